// Command gendashboards writes the dashboards for Grafana into dashboards. Run it from
// the top of the repository: make generate.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("dashboards"); err != nil {
		fmt.Fprintln(os.Stderr, "gendashboards:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	for _, d := range []dashboard{deliverDashboard(), workloadDashboard(), objectivesDashboard(), signalsDashboard()} {
		text, err := json.MarshalIndent(d.model(), "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, d.uid+".json"), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
