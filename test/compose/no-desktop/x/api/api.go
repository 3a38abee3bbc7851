// Package api stands in for a module that the Go module proxy does not serve.
package api

// DesktopSocketPath is where Docker Desktop would listen; nothing does in the tests.
func DesktopSocketPath() string { return "" }
