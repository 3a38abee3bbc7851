// Package packages reads the buildpack's packages with the code that Cloud Foundry's own buildpacks are made of.
// MERIDIAN_PACKAGES holds a checkout, and unpacked packages: any-uncached, any-cached and cflinuxfs4-cached.
package packages

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cloudfoundry/libbuildpack"
	"github.com/cloudfoundry/libbuildpack/packager"
)

const nodeVersion = "24.18.0"

func unpacked(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("MERIDIAN_PACKAGES")
	if root == "" {
		t.Fatal("MERIDIAN_PACKAGES is not set; run `npm run test:lifecycle`")
	}
	return filepath.Join(root, name)
}

func readManifest(t *testing.T, name string) (*libbuildpack.Manifest, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	manifest, err := libbuildpack.NewManifest(unpacked(t, name), libbuildpack.NewLogger(&log), now)
	if err != nil {
		t.Fatal(err)
	}
	return manifest, &log
}

func TestManifestNamesBuildpackAndRuntime(t *testing.T) {
	for _, name := range []string{"any-uncached", "any-cached", "cflinuxfs4-cached"} {
		t.Setenv("CF_STACK", "cflinuxfs4")
		manifest, log := readManifest(t, name)
		version, err := manifest.Version()
		if err != nil || manifest.Language() != "meridian-sidecar" || version == "" {
			t.Errorf("%s: language %q, version %q, %v", name, manifest.Language(), version, err)
		}
		node, err := manifest.DefaultVersion("node")
		if err != nil || node.Version != nodeVersion {
			t.Errorf("%s: node %q, %v; %s", name, node.Version, err, log)
		}
	}
}

func TestManifestSupportsItsStacksAlone(t *testing.T) {
	supported := map[string][]string{
		"any-uncached":      {"cflinuxfs4", "cflinuxfs5"},
		"any-cached":        {"cflinuxfs4", "cflinuxfs5"},
		"cflinuxfs4-cached": {"cflinuxfs4"},
	}
	for name, want := range supported {
		var found []string
		for _, stack := range []string{"cflinuxfs4", "cflinuxfs5", "windows"} {
			t.Setenv("CF_STACK", stack)
			manifest, _ := readManifest(t, name)
			if manifest.CheckStackSupport() == nil {
				found = append(found, stack)
			}
		}
		if !reflect.DeepEqual(found, want) {
			t.Errorf("%s supports %v, want %v", name, found, want)
		}
	}
}

func TestInstallerTakesTheCarriedRuntimeByItsChecksum(t *testing.T) {
	for _, name := range []string{"any-cached", "cflinuxfs4-cached"} {
		t.Setenv("CF_STACK", "cflinuxfs4")
		manifest, log := readManifest(t, name)
		output := filepath.Join(t.TempDir(), "node")
		dependency := libbuildpack.Dependency{Name: "node", Version: nodeVersion}
		if err := libbuildpack.NewInstaller(manifest).FetchDependency(dependency, output); err != nil {
			t.Errorf("%s: %v; %s", name, err, log)
		}
	}
}

func TestInstallerWarnsBeforeTheRuntimeEnds(t *testing.T) {
	t.Setenv("CF_STACK", "cflinuxfs4")
	var log bytes.Buffer
	late := time.Date(2028, 4, 15, 0, 0, 0, 0, time.UTC)
	manifest, err := libbuildpack.NewManifest(unpacked(t, "any-cached"), libbuildpack.NewLogger(&log), late)
	if err != nil {
		t.Fatal(err)
	}
	dependency := libbuildpack.Dependency{Name: "node", Version: nodeVersion}
	if err := libbuildpack.NewInstaller(manifest).InstallDependency(dependency, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "node 24.x.x will no longer be available in new buildpacks released after 2028-04-30") {
		t.Errorf("no warning in: %s", &log)
	}
}

// A package without a runtime holds all that libbuildpack's packager needs to make the same package again.
func TestPackagerMakesTheSameContent(t *testing.T) {
	source := unpacked(t, "any-uncached")
	version, err := os.ReadFile(filepath.Join(source, "VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := packager.Package(source, t.TempDir(), strings.TrimSpace(string(version)), "", false)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(file)
	if want := "meridian-sidecar_buildpack-v" + strings.TrimSpace(string(version)) + ".zip"; filepath.Base(file) != want {
		t.Errorf("its name is %s, want %s", filepath.Base(file), want)
	}
	if theirs, ours := checksumsInZip(t, file), checksumsIn(t, source, filepath.Base(file)); !reflect.DeepEqual(theirs, ours) {
		t.Errorf("libbuildpack packs %v, the package has %v", theirs, ours)
	}
}

// Who has libbuildpack's packager needs none of ours: it runs pre_package, and takes what include_files names.
func TestPackagerBuildsFromTheCheckout(t *testing.T) {
	source := unpacked(t, "checkout")
	file, err := packager.Package(source, t.TempDir(), "1.2.3", "cflinuxfs5", false)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(file) != "meridian-sidecar_buildpack-cflinuxfs5-v1.2.3.zip" {
		t.Errorf("its name is %s", filepath.Base(file))
	}
	var manifest struct {
		IncludeFiles []string `yaml:"include_files"`
	}
	if err := libbuildpack.NewYAML().Load(filepath.Join(source, "manifest.yml"), &manifest); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, line := range checksumsInZip(t, file) {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	if !reflect.DeepEqual(names, manifest.IncludeFiles) {
		t.Errorf("it holds %v, want %v", names, manifest.IncludeFiles)
	}
}

func checksumsInZip(t *testing.T, file string) []string {
	t.Helper()
	reader, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var found []string
	for _, entry := range reader.File {
		content, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, checksum(t, entry.Name, content))
	}
	sort.Strings(found)
	return found
}

func checksumsIn(t *testing.T, root, except string) []string {
	t.Helper()
	var found []string
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || info.Name() == except {
			return err
		}
		content, err := os.Open(path)
		if err != nil {
			return err
		}
		defer content.Close()
		name, err := filepath.Rel(root, path)
		found = append(found, checksum(t, filepath.ToSlash(name), content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(found)
	return found
}

// The texts of the manifest and of VERSION are written anew by libbuildpack, so of these the names alone count.
func checksum(t *testing.T, name string, content io.Reader) string {
	t.Helper()
	if name == "manifest.yml" || name == "VERSION" {
		return name
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, content); err != nil {
		t.Fatal(err)
	}
	return name + " " + hex.EncodeToString(hash.Sum(nil))
}
