module meridian-sidecar-buildpack/test/libbuildpack

go 1.25.7

require github.com/cloudfoundry/libbuildpack v0.0.0-20231211162543-86d10e150195

require (
	github.com/Masterminds/semver v1.5.0 // indirect
	github.com/blang/semver v3.5.1+incompatible // indirect
	github.com/cenkalti/backoff/v4 v4.2.0 // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
)
