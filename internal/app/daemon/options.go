package daemon

import (
	"errors"
	"fmt"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Options are the daemon's settings.
type Options struct {
	// Kubeconfig and Context say which cluster; empty means the usual places,
	// then the cluster that the daemon runs in.
	Kubeconfig, Context string
	// Namespace is the daemon's own: its lease and keys live there.
	Namespace string
	// Watch is the namespace whose Applications are reconciled; "" for all.
	Watch string
	// Ledger says where the ledger is.
	Ledger Ledger
	// CacheDir holds the mirrors of repositories, and artifacts.
	CacheDir string
	// Listen is the address of the pages for probes, metrics and webhooks.
	Listen string
	// Signals says what is taken in and kept of what workloads say.
	Signals Signals
	// Objectives says how Objectives are followed.
	Objectives Objectives
	// DefaultAccount is the service account of applications that name none.
	DefaultAccount string
	// Workers is how many applications are looked at at the same time.
	Workers int
	// Elect makes daemons agree on one that works.
	Elect bool
	// Allow is what else is permitted.
	Allow Allow
	// Debug logs more.
	Debug bool
}

// Allow is what is not permitted by itself.
type Allow struct {
	// HTTP and File let sources be plain http, and folders of this machine.
	HTTP, File bool
	// Across lets Applications observe objects of other namespaces.
	Across bool
}

// Default returns the options in force where nobody says anything.
func Default() Options {
	return Options{
		Namespace: "autoecoops", Ledger: Ledger{Location: "/var/lib/aeod/ledger.db"}, CacheDir: "/var/cache/aeod", Listen: ":8080",
		Workers: 32, Elect: true, Objectives: Objectives{Scrape: time.Minute},
		Signals: Signals{Anomalies: Anomalies{Kept: true, History: 72 * time.Hour, Zone: "UTC"}},
	}
}

// Validate returns everything that is wrong.
func (o Options) Validate() error {
	var problems []error
	need := func(ok bool, flag, why string) {
		if !ok {
			problems = append(problems, fmt.Errorf("--%s: %s", flag, why))
		}
	}
	need(o.Namespace != "", "namespace", "the daemon's own namespace is needed")
	need(o.Ledger.Location != "", "ledger", "nothing is done without a ledger")
	need(o.CacheDir != "", "cache-dir", "a folder for mirrors of repositories is needed")
	o.Signals.problems(need)
	o.Signals.Anomalies.problems(o.Signals.Metrics.wanted(), o.Objectives.Prometheus != "", need)
	need(!o.Signals.Anomalies.Alerts || len(o.Objectives.Alertmanagers) > 0, "anomalies-alertmanager", "it is for --alertmanager, which is not given")
	o.Objectives.check(o.Signals.Anomalies.Alerts, need)
	need(o.Workers > 0 && o.Workers <= 256, "workers", "from 1 to 256")
	if len(problems) > 0 {
		return fault.Wrap(fault.Invalid, "read the settings", "", errors.Join(problems...), "see `aeod --help`")
	}
	return nil
}
