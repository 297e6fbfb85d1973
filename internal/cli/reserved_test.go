package cli

import (
	"strings"
	"testing"
)

// Each kind of variable that later steps obey is reserved, in any case. Names
// that people use for secrets stay free.
func TestReservedNames(t *testing.T) {
	always := "PATH Path HOME SHELL ENV BASH_ENV IFS CI LD_PRELOAD DYLD_INSERT_LIBRARIES GITHUB_ENV GITHUB_TOKEN " +
		"RUNNER_TEMP ACTIONS_RUNTIME_TOKEN ACTIONS_ID_TOKEN_REQUEST_TOKEN INPUT_TOKEN STATE_token NODE_OPTIONS " +
		"PYTHONPATH PYTHONSTARTUP PERL5OPT PERL5LIB RUBYOPT JAVA_TOOL_OPTIONS GIT_SSH GIT_SSH_COMMAND " +
		"GIT_EXEC_PATH GIT_CONFIG_COUNT GIT_CONFIG_KEY_0"
	environment := "PS4 PROMPT_COMMAND SHELLOPTS BASHOPTS CDPATH BASH_FUNC_cd XDG_CONFIG_HOME GCONV_PATH TMPDIR HTTP_PROXY " +
		"https_proxy ALL_PROXY all_proxy NO_PROXY SOCKS_PROXY SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE " +
		"REQUESTS_CA_BUNDLE OPENSSL_CONF NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_PATH " +
		"GIT_SSL_NO_VERIFY GIT_SSL_CAINFO GIT_SSL_KEY GIT_ASKPASS GIT_PROXY_COMMAND GIT_DIR GIT_TEMPLATE_DIR " +
		"GIT_ANYTHING SSH_ASKPASS SSH_AUTH_SOCK GH_HOST PYTHONHOME PYTHONINSPECT PERL5DB RUBYLIB GOFLAGS GOPROXY " +
		"GOTOOLCHAIN GONOSUMDB GOCACHEPROG JAVA_OPTS JDK_JAVA_OPTIONS _JAVA_OPTIONS MAVEN_OPTS CLASSPATH " +
		"DOTNET_STARTUP_HOOKS COMPlus_Profiler CORECLR_PROFILER_PATH npm_config_registry NPM_CONFIG_SCRIPT_SHELL " +
		"YARN_RC_FILENAME PIP_INDEX_URL UV_INDEX_URL BUNDLE_GEMFILE BUNDLE_MIRROR__ALL GEM_HOME " +
		"CARGO_BUILD_RUSTC_WRAPPER RUSTC_WRAPPER RUSTC RUSTFLAGS HOMEBREW_BREW_GIT_REMOTE CC MAKEFLAGS EDITOR " +
		"VISUAL PAGER BROWSER LESSOPEN DOCKER_HOST DOCKER_CONFIG KUBECONFIG AWS_CONFIG_FILE AWS_ENDPOINT_URL_S3 " +
		"TF_CLI_ARGS_plan"
	free := "TOKEN GH_TOKEN GH_ENTERPRISE_TOKEN NPM_TOKEN NODE_AUTH_TOKEN YARN_NPM_AUTH_TOKEN NPM_CONFIG__AUTHTOKEN " +
		"CARGO_REGISTRY_TOKEN CARGO_REGISTRIES_ACME_TOKEN PYPI_TOKEN TWINE_PASSWORD UV_PUBLISH_TOKEN " +
		"POETRY_PYPI_TOKEN_PYPI RUBYGEMS_API_KEY GEM_HOST_API_KEY BUNDLE_GITHUB__COM COMPOSER_AUTH " +
		"HOMEBREW_GITHUB_API_TOKEN NUGET_API_KEY MAVEN_USERNAME MAVEN_PASSWORD MAVEN_GPG_PASSPHRASE " +
		"ORG_GRADLE_PROJECT_signingKey GRADLE_PUBLISH_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY " +
		"AWS_SESSION_TOKEN AZURE_CREDENTIALS GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CREDENTIALS DOCKER_PASSWORD " +
		"DOCKERHUB_TOKEN KUBE_TOKEN VAULT_TOKEN TF_VAR_token TF_TOKEN_app_terraform_io ANSIBLE_VAULT_PASSWORD " +
		"DATABASE_URL DATABASE_PASSWORD SSH_PRIVATE_KEY GIT_TOKEN GIT_PASSWORD GIT_SSH_KEY GIT_DEPLOY_KEY " +
		"GPG_PRIVATE_KEY CERTIFICATE CA_BUNDLE SLACK_WEBHOOK PROXY GITLAB_TOKEN CODECOV_TOKEN SONAR_TOKEN " +
		"PASSWORD SECRET KEY CIRCLE_TOKEN ENVIRONMENT HOMEPAGE PATHS"
	for names, want := range map[string][2]bool{always: {true, true}, environment: {false, true}, free: {false, false}} {
		for name := range strings.FieldsSeq(names) {
			if got := [2]bool{isReserved(name), isObeyed(name)}; got != want {
				t.Errorf("%s: reserved, obeyed %v, want %v", name, got, want)
			}
		}
	}
}

// A name can match every pattern of the table: each is in capitals and has a *
// at one end at most, and no other pattern of its kind covers it.
func TestReservedPatterns(t *testing.T) {
	for _, kind := range reserved {
		for _, list := range []string{kind.always, kind.environment} {
			words := strings.Fields(list)
			for i, word := range words {
				name := strings.Trim(word, "*")
				if name == "" || word != strings.ToUpper(word) || strings.Contains(name, "*") || !isVariable(name) {
					t.Errorf("%s: %q is not a pattern", kind.what, word)
				}
				rest := strings.Join(append(append([]string{}, words[:i]...), words[i+1:]...), " ")
				if matchesAny(rest, name) {
					t.Errorf("%s: %s is covered by another", kind.what, word)
				}
			}
		}
	}
}
