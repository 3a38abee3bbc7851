module meridian-sidecar-buildpack/test/lifecycle

go 1.25.7

tool (
	code.cloudfoundry.org/buildpackapplifecycle/builder
	code.cloudfoundry.org/buildpackapplifecycle/launcher
)

require (
	code.cloudfoundry.org/archiver v0.76.0
	code.cloudfoundry.org/buildpackapplifecycle v0.0.0-20260504201830-3e265382f635
	code.cloudfoundry.org/bytefmt v0.78.0
	code.cloudfoundry.org/cacheddownloader v0.0.0-20250312193827-23c030d5e4f3
	code.cloudfoundry.org/credhub-cli v0.0.0-20260622130231-57c8cb0f1d6e
	code.cloudfoundry.org/goshims v0.30.0
	code.cloudfoundry.org/lager/v3 v3.75.0
	github.com/cespare/xxhash/v2 v2.3.0
	golang.org/x/sys v0.46.0
	gopkg.in/yaml.v2 v2.4.0
	gopkg.in/yaml.v3 v3.0.1
)

require (
	github.com/cloudfoundry/go-socks5 v0.0.0-20250423223041-4ad5fea42851 // indirect
	github.com/cloudfoundry/socks5-proxy v0.2.179 // indirect
	github.com/cyphar/filepath-securejoin v0.7.0 // indirect
	github.com/hashicorp/go-version v1.9.0 // indirect
	github.com/openzipkin/zipkin-go v0.4.3 // indirect
	golang.org/x/crypto v0.53.0 // indirect
	golang.org/x/net v0.56.0 // indirect
)
