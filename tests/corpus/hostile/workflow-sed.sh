# incident: a workflow is given a step that sends the secrets
# finding: workflow-written
mkdir -p .github/workflows; sed -i 's/^on: push/on: pull_request_target/' .github/workflows/ci.yml
