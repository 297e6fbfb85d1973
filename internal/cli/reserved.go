package cli

import (
	"fmt"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/redact"
)

// reserved lists the variables that programs obey. Whoever sets one for the
// later steps of a job can run code there, or read what those steps send. A *
// at the end of a name stands for any ending, and one at the beginning for any
// beginning. Case does not count.
//
// No value of ours is ever given a name listed under always. The names under
// environment are also those under which people keep secrets, such as
// KUBECONFIG, or HTTPS_PROXY with its password: such a value may be carried and
// stored, but sets no variable.
var reserved = []struct{ what, always, environment string }{
	{
		"the runner's own",
		"CI GITHUB_* RUNNER_* ACTIONS_* INPUT_* STATE_*", "",
	},
	{
		"shells: what they read at their start, run at a prompt and find programs by", // bash(1), zsh(1)
		"PATH HOME SHELL ENV BASH_ENV IFS",
		"PS0 PS1 PS2 PS3 PS4 PROMPT_COMMAND SHELLOPTS BASHOPTS BASH_FUNC_* BASH_LOADABLES_PATH BASH_XTRACEFD BASH_COMPAT " +
			"CDPATH GLOBIGNORE EXECIGNORE FIGNORE POSIXLY_CORRECT INPUTRC HISTFILE MAILPATH FCEDIT FPATH ZDOTDIR PWD OLDPWD " +
			"USER LOGNAME XDG_* USERPROFILE APPDATA LOCALAPPDATA COMSPEC PATHEXT PSMODULEPATH SYSTEMROOT WINDIR",
	},
	{
		"the loader and the C library", // ld.so(8), "secure-execution mode"
		"LD_* DYLD_*",
		"GCONV_PATH GETCONF_DIR GLIBC_TUNABLES HOSTALIASES LOCALDOMAIN LOCPATH MALLOC_* NIS_PATH NLSPATH RESOLV_HOST_CONF " +
			"RES_OPTIONS TMPDIR TMP TEMP TZDIR TERMINFO TERMCAP",
	},
	{
		"proxies, and whose certificates are believed",
		"",
		"*_PROXY SSL_CERT_FILE SSL_CERT_DIR NIX_SSL_CERT_FILE CURL_CA_BUNDLE CURL_HOME REQUESTS_CA_BUNDLE " +
			"HTTPLIB2_CA_CERTS AWS_CA_BUNDLE GRPC_DEFAULT_SSL_ROOTS_FILE_PATH WGETRC SYSTEM_WGETRC OPENSSL_CONF " +
			"OPENSSL_MODULES OPENSSL_ENGINES SSLKEYLOGFILE",
	},
	{
		"git, ssh and gh: which programs they start, and whom they talk to",
		"GIT_SSH GIT_SSH_COMMAND GIT_EXEC_PATH GIT_CONFIG_*",
		"GIT_* SSH_ASKPASS SSH_ASKPASS_REQUIRE SSH_AUTH_SOCK SSH_SK_PROVIDER SUDO_ASKPASS RSYNC_RSH RSYNC_CONNECT_PROG " +
			"CVS_RSH SVN_SSH HGRCPATH HGMERGE GH_HOST GH_REPO GH_PATH GH_CONFIG_DIR GH_EDITOR GH_BROWSER GH_PAGER GNUPGHOME",
	},
	{
		"options of languages, and where those find code",
		"NODE_OPTIONS PYTHONPATH PYTHONSTARTUP PERL5OPT PERL5LIB RUBYOPT JAVA_TOOL_OPTIONS",
		"NODE_* BUN_* DENO_* PYTHON* PERL* RUBY* PHPRC PHP_INI_SCAN_DIR LUA_* R_HOME R_LIBS* R_PROFILE* R_ENVIRON* " +
			"JULIA_* GHCRTS JAVA_OPTS JAVA_HOME JAVACMD JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH SCALA_HOME KOTLIN_HOME ERL_* " +
			"ELIXIR_ERL_OPTIONS GOFLAGS GOPROXY GOTOOLCHAIN GOENV GOROOT GOPATH GOBIN GOPRIVATE GONOPROXY GONOSUMDB " +
			"GONOSUMCHECK GOSUMDB GOINSECURE GOVCS GOAUTH GODEBUG GOEXPERIMENT GOCACHE GOCACHEPROG GOMODCACHE GOTMPDIR GOWORK " +
			"GO111MODULE CGO_* DOTNET_* COMPLUS_* CORECLR_* COR_* MSBUILD* POWERSHELL_*",
	},
	{
		"package managers: from where they take what they run",
		"",
		"NPM_CONFIG_* YARN_* PNPM_* COREPACK_* PIP_* PIPX_* PIPENV_* UV_* PDM_* CONDA_* MAMBA_* BUNDLE_* BUNDLER_* GEM_* " +
			"CARGO_* RUSTC* RUSTDOC* RUSTFLAGS RUSTUP_* COMPOSER_HOME COMPOSER_VENDOR_DIR COMPOSER_BIN_DIR MAVEN_OPTS " +
			"MAVEN_ARGS MAVEN_HOME M2_HOME GRADLE_OPTS GRADLE_HOME GRADLE_USER_HOME SBT_OPTS LEIN_* MIX_* HEX_* NUGET_* " +
			"HOMEBREW_*",
	},
	{
		"compilers and make",
		"",
		"CC CXX CPP AR AS NM RANLIB STRIP CFLAGS CXXFLAGS CPPFLAGS LDFLAGS MAKE MAKEFLAGS MAKEFILES GNUMAKEFLAGS CMAKE_* " +
			"PKG_CONFIG* GCC_EXEC_PREFIX COMPILER_PATH LIBRARY_PATH CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH CCACHE_* " +
			"SCCACHE_*",
	},
	{
		"programs that others start to show and to edit",
		"",
		"EDITOR VISUAL PAGER MANPAGER SYSTEMD_PAGER SYSTEMD_EDITOR LESS LESSOPEN LESSCLOSE LESSKEY BROWSER",
	},
	{
		"containers, clusters and clouds: which one is spoken to",
		"",
		"DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS* BUILDKIT_HOST BUILDX_* CONTAINER_HOST " +
			"KUBECONFIG KUBERNETES_* HELM_PLUGINS HELM_DATA_HOME HELM_CONFIG_HOME TF_CLI_* TF_PLUGIN_CACHE_DIR ANSIBLE_* " +
			"AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_ENDPOINT_URL* AZURE_CONFIG_DIR CLOUDSDK_* BOTO_CONFIG VAULT_ADDR " +
			"VAULT_CACERT",
	},
}

// secretEndings are the endings of names that hold a secret and that no program
// obeys, whatever they begin with: NODE_AUTH_TOKEN, CARGO_REGISTRY_TOKEN,
// GIT_PASSWORD, RUBYGEMS_API_KEY, BUNDLE_GITHUB__COM. They make no difference
// to the names under always.
var secretEndings = []string{
	"TOKEN", "PASSWORD", "PASSPHRASE", "SECRET", "CREDENTIALS", "_USERNAME", "_PAT",
	"API_KEY", "ACCESS_KEY", "SSH_KEY", "DEPLOY_KEY", "SIGNING_KEY", "PRIVATE_KEY", "__COM",
}

// isReserved reports whether no value of ours may have the name.
func isReserved(name string) bool {
	name = strings.ToUpper(name)
	for _, kind := range reserved {
		if matchesAny(kind.always, name) {
			return true
		}
	}
	return false
}

// isObeyed reports whether a variable of that name would decide what later
// steps do.
func isObeyed(name string) bool {
	if isReserved(name) {
		return true
	}
	name = strings.ToUpper(name)
	for _, ending := range secretEndings {
		if strings.HasSuffix(name, ending) {
			return false
		}
	}
	for _, kind := range reserved {
		if matchesAny(kind.environment, name) {
			return true
		}
	}
	return false
}

func matchesAny(patterns, name string) bool {
	for pattern := range strings.FieldsSeq(patterns) {
		beginning, begins := strings.CutSuffix(pattern, "*")
		ending, ends := strings.CutPrefix(pattern, "*")
		if name == pattern || begins && strings.HasPrefix(name, beginning) || ends && strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// valueName checks a name under which a value is carried and handed out.
func valueName(name string) error {
	if !isVariable(name) || redact.IsSecret(name) {
		return fmt.Errorf("%s, which is not a name for a variable", actions.Quote(name))
	}
	if isReserved(name) {
		return errReserved(name)
	}
	return nil
}

// variableName checks a name that becomes a variable of later steps.
func variableName(name string) error {
	if err := valueName(name); err != nil {
		return err
	}
	if isObeyed(name) {
		return errReserved(name)
	}
	return nil
}

func errReserved(name string) error {
	return fmt.Errorf("%s, which decides what later steps run or is the runner's own", actions.Quote(strings.ToUpper(name)))
}
