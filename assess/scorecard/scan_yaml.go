package scorecard

import (
	"bytes"
	"path"
	"strings"

	"github.com/autoecoops/autoecoops/ops"
)

// guards are kinds of objects that an overlay should not quietly take away.
var guards = []string{"NetworkPolicy", "PodDisruptionBudget", "ResourceQuota", "LimitRange", "ValidatingAdmissionPolicyBinding", "ClusterPolicy"}

// anyYAML looks for what YAML files of any name may show.
func (s *Scan) anyYAML(p string, text []byte) {
	if bytes.Contains(text, []byte("$patch: delete")) {
		s.deletions(p, text)
	}
	if bytes.Contains(text, []byte("\nsops:")) && bytes.Contains(text, []byte("ENC[")) {
		s.note("secrets-managed-outside-git", ops.Pass, p, 1, "SOPS has encrypted this file")
	}
	if bytes.HasPrefix(text, []byte("apiVersion: ")) || bytes.Contains(text, []byte("\napiVersion: ")) && bytes.Contains(text, []byte("kind: ")) {
		if !bytes.Contains(text, []byte("apiVersion: 1\n")) {
			return
		}
	}
	top := map[string]int{}
	var lines []line
	linesOf(text, "#", func(l line) {
		lines = append(lines, l)
		if k, _ := l.field(); l.indent == 0 && k != "" && top[k] == 0 {
			top[k] = l.no
		}
	})
	switch {
	case top["groups"] > 0:
		s.rules(p, lines)
	case top["route"] > 0 && top["receivers"] > 0:
		s.note("alerting/routing", ops.Pass, p, top["route"], "Alertmanager routes alerts")
	case top["datasources"] > 0:
		s.note("dashboards/sources", ops.Pass, p, top["datasources"], "data sources are kept as code")
		for _, l := range lines {
			s.dataSource(p, l)
		}
	case top["remote_write"] > 0:
		s.note("long-term-metrics", ops.Pass, p, top["remote_write"], "Prometheus writes to a remote store")
	}
	if top["slos"] > 0 {
		s.note("slos", ops.Pass, p, top["slos"], "objectives are written down")
	}
	s.values(p, lines)
}

// dataSource notes what a line of a data source's provisioning tells.
func (s *Scan) dataSource(file string, l line) {
	k, v := l.field()
	switch {
	case strings.HasPrefix(k, "tracestologs"), k == "derivedfields", k == "exemplartraceiddestinations", k == "tracestometrics", strings.HasPrefix(k, "lokisearch"):
		s.note("dashboards/links", ops.Pass, file, l.no, "data sources link to one another ("+k+")")
	case k == "type" && (v == "tempo" || v == "jaeger" || v == "zipkin"):
		s.note("traces/store", ops.Pass, file, l.no, "Grafana reads traces from "+v)
	}
	if k == "derivedfields" {
		s.note("logs/trace-ids", ops.Pass, file, l.no, "trace ids in log lines lead to traces")
	}
}

// rules reads a rule file of Prometheus.
func (s *Scan) rules(p string, lines []line) {
	for i, l := range lines {
		k, v := l.field()
		if k != "alert" || !strings.HasPrefix(l.text, "-") {
			continue
		}
		runbook := false
		for _, m := range lines[i+1:] {
			mk, _ := m.field()
			if strings.HasPrefix(m.text, "-") && m.indent <= l.indent {
				break
			}
			runbook = runbook || strings.Contains(mk, "runbook")
		}
		if runbook {
			s.note("alerting", ops.Pass, p, l.no, "alert "+v+" has a runbook")
		} else {
			s.note("alerting", ops.Fail, p, l.no, "alert "+v+" has no runbook")
		}
		if strings.Contains(strings.ToLower(v), "burn") {
			s.note("slos", ops.Pass, p, l.no, "alert "+v+" watches an error budget")
		}
	}
}

// deletions notes patches that take a guard away.
func (s *Scan) deletions(p string, text []byte) {
	kind, at := "", 0
	flush := func() {
		for _, g := range guards {
			if kind == g && at > 0 {
				s.note("environments-separated", ops.Fail, p, at, "a patch takes away a "+kind+" of its base")
			}
		}
		kind, at = "", 0
	}
	linesOf(text, "#", func(l line) {
		k, v := l.field()
		switch {
		case strings.HasPrefix(l.text, "---"):
			flush()
		case k == "kind" && l.indent == 0:
			kind = v
		case k == "$patch" && v == "delete" && l.indent == 0:
			at = l.no
		}
	})
	flush()
}

// telemetry are the programs that a values file's name may be about, with the
// practices they speak for.
var telemetry = []struct{ name, practice, note string }{
	{"loki", "logs/store", "values of Loki"}, {"elasticsearch", "logs/store", "values of Elasticsearch"},
	{"promtail", "logs/collector", "values of Promtail"}, {"alloy", "logs/collector", "values of Alloy"}, {"fluent-bit", "logs/collector", "values of Fluent Bit"}, {"fluentd", "logs/collector", "values of Fluentd"},
	{"tempo", "traces/store", "values of Tempo"}, {"jaeger", "traces/store", "values of Jaeger"}, {"opentelemetry-collector", "traces/store", "values of an OpenTelemetry collector"},
	{"mimir", "long-term-metrics", "values of Mimir"}, {"thanos", "long-term-metrics", "values of Thanos"}, {"victoria-metrics", "long-term-metrics", "values of VictoriaMetrics"},
	{"falco", "runtime-monitoring", "values of Falco"}, {"tetragon", "runtime-monitoring", "values of Tetragon"},
	{"prometheus", "", ""},
}

// values reads a values file of a chart whose path says what it is for.
func (s *Scan) values(p string, lines []line) {
	lower := strings.ToLower(p)
	if !strings.Contains(path.Base(lower), "values") || len(lines) == 0 {
		return
	}
	about := ""
	for _, t := range telemetry {
		if hasWord([]byte(lower), t.name) {
			about = t.name
			if t.practice != "" {
				s.note(t.practice, ops.Pass, p, lines[0].no, t.note)
			}
			break
		}
	}
	if about == "" || about == "falco" || about == "tetragon" || strings.HasPrefix(about, "fluent") || about == "promtail" || about == "alloy" {
		return
	}
	for i, l := range lines {
		k, v := l.field()
		switch {
		case (k == "persistence" || k == "volumeclaimtemplate" || k == "storagespec") && v == "":
			s.persistence(p, lines[i:])
		case k == "object_store" && v != "filesystem" && v != "":
			s.note("persistent-telemetry-storage", ops.Pass, p, l.no, "data is kept in "+v)
		case k == "remotewrite" && v == "" && i+1 < len(lines) && strings.HasPrefix(lines[i+1].text, "-"):
			s.note("long-term-metrics", ops.Pass, p, l.no, "Prometheus writes to a remote store")
		}
	}
}

// persistence judges a block of values that begins with its key.
func (s *Scan) persistence(p string, lines []line) {
	for _, l := range lines[1:] {
		if l.indent <= lines[0].indent {
			break
		}
		if k, v := l.field(); k == "enabled" && v == "false" {
			s.note("persistent-telemetry-storage", ops.Fail, p, l.no, "persistence is switched off")
			return
		}
	}
	s.note("persistent-telemetry-storage", ops.Pass, p, lines[0].no, "data is kept on a volume")
}

// anyJSON looks for dashboards of Grafana.
func (s *Scan) anyJSON(p string, text []byte) {
	if !bytes.Contains(text, []byte(`"panels"`)) || !bytes.Contains(text, []byte(`"schemaVersion"`)) {
		return
	}
	s.note("dashboards", ops.Pass, p, 1, "a Grafana dashboard")
}
