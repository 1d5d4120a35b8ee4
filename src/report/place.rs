//! Where a build ran, from the variables its CI sets: what an attestation names as host and job, and the file that a
//! finding without a file is shown at.
//!
//! Takes a function for the variables, so that it is pure.

/// The service that ran a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Service {
    /// None that is known.
    #[default]
    Local,
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
}

/// Where a build ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The service.
    pub service: Service,
    /// The URI of the host or service; empty if there is none but the machine.
    pub host: String,
    /// What names this very job; empty if nothing does.
    pub job: String,
    /// The file that defines the job, relative to the workspace; empty if it is not known.
    pub definition: String,
}

impl Place {
    /// The place that the variables tell of.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Place {
        let get = |name: &str| variable(name).unwrap_or_default();
        if get("GITHUB_ACTIONS") == "true" {
            // GITHUB_WORKFLOW_REF is owner/repository/PATH@ref.
            let whole = get("GITHUB_WORKFLOW_REF");
            let path = whole.split('@').next().unwrap_or_default();
            let definition = path.splitn(3, '/').nth(2).unwrap_or_default().to_owned();
            let host = get("GITHUB_SERVER_URL");
            let job = format!(
                "{host}/{}/actions/runs/{}/attempts/{}",
                get("GITHUB_REPOSITORY"),
                get("GITHUB_RUN_ID"),
                get("GITHUB_RUN_ATTEMPT")
            );
            return Place { service: Service::GitHub, host, job, definition };
        }
        if get("GITLAB_CI") == "true" {
            let named = get("CI_CONFIG_PATH");
            // The file may be of another project (`path@project`) or a URL: then it is none of the workspace.
            let own = !named.is_empty() && !named.contains('@') && !named.contains("://");
            let definition = if own { named } else { ".gitlab-ci.yml".to_owned() };
            return Place { service: Service::GitLab, host: get("CI_SERVER_URL"), job: get("CI_JOB_URL"), definition };
        }
        Place::default()
    }

    /// Whether GitHub Actions ran the build.
    #[must_use]
    pub fn is_github(&self) -> bool {
        self.service == Service::GitHub
    }

    /// The type of the job, for an attestation.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.service {
            Service::Local => "https://in-toto.io/attestation/runtime-trace/command",
            Service::GitHub => "https://actions.github.io/buildtypes/workflow/v1",
            Service::GitLab => "https://docs.gitlab.com/ci/jobs/",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Service};

    #[test]
    fn a_job_is_named_by_its_service() {
        let github = Place::of(|name| {
            let value = match name {
                "GITHUB_ACTIONS" => "true",
                "GITHUB_SERVER_URL" => "https://github.com",
                "GITHUB_REPOSITORY" => "o/r",
                "GITHUB_RUN_ID" => "7",
                "GITHUB_RUN_ATTEMPT" => "2",
                "GITHUB_WORKFLOW_REF" => "o/r/.github/workflows/ci.yml@refs/heads/main",
                _ => return None,
            };
            Some(value.to_owned())
        });
        assert_eq!(github.service, Service::GitHub);
        assert_eq!(github.job, "https://github.com/o/r/actions/runs/7/attempts/2");
        assert_eq!(github.definition, ".github/workflows/ci.yml");
        let gitlab = Place::of(|name| (name == "GITLAB_CI").then(|| "true".to_owned()));
        assert_eq!((gitlab.service, gitlab.definition.as_str()), (Service::GitLab, ".gitlab-ci.yml"));
        assert_eq!(Place::of(|_| None), Place::default());
    }
}
