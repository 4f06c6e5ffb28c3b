package main

// of chooses an application, workload the pods of a service.
const (
	of       = `namespace=~"$namespace", application=~"$application"`
	workload = `namespace=~"$namespace", workload=~"$workload"`
	pods     = `{namespace=~"$namespace", service_name=~"$workload"}`
)

func deliverDashboard() dashboard {
	return dashboard{
		uid: "aeo-deliver", title: "AutoEcoOps: deliveries", about: "Whether clusters are as Git says, and how releases go.",
		variables: []variable{
			{name: "namespace", label: "Namespace", query: "label_values(aeo_deliver_application_ready, namespace)"},
			{name: "application", label: "Application", query: `label_values(aeo_deliver_application_ready{namespace=~"$namespace"}, application)`},
		},
		rows: []row{
			{"Now", []panel{
				{title: "Applications", kind: "stat", height: 4, queries: []query{ask(`count(aeo_deliver_application_ready{`+of+`})`, "")}},
				{title: "Not ready", about: "Not synced, or not healthy.", kind: "stat", height: 4, good: 0, bad: 1, queries: []query{ask(`count(aeo_deliver_application_ready{`+of+`} == 0) or vector(0)`, "")}},
				{title: "Longest not verified", about: "How long ago it was last known that the cluster is as Git says.", kind: "stat", unit: "s", height: 4, good: 0, bad: 600, queries: []query{ask(`max(time() - aeo_deliver_last_verified_timestamp_seconds{`+of+`})`, "")}},
				{title: "Managed objects", kind: "stat", height: 4, queries: []query{ask(`aeo_deliver_managed_objects`, "")}},
			}},
			{"Four keys", []panel{
				{title: "Deployment frequency", about: "Good releases a day.", kind: "timeseries", queries: []query{ask(`sum by (application) (increase(aeo_deliver_releases_total{`+of+`, phase="Good"}[1d]))`, "{{application}}")}},
				{title: "Lead time for changes", about: "From the commit to its release being good, median and 95th percentile of a day.", kind: "timeseries", unit: "s", queries: []query{
					ask(`histogram_quantile(0.5, sum by (le) (increase(aeo_deliver_lead_time_seconds_bucket{`+of+`}[1d])))`, "median"),
					ask(`histogram_quantile(0.95, sum by (le) (increase(aeo_deliver_lead_time_seconds_bucket{`+of+`}[1d])))`, "95th percentile"),
				}},
				{title: "Change failure rate", about: "Share of a week's releases that failed.", kind: "timeseries", unit: "percentunit", queries: []query{ask(`sum(increase(aeo_deliver_releases_total{`+of+`, phase="Failed", trigger!="rollback"}[1w])) / sum(increase(aeo_deliver_releases_total{`+of+`, phase=~"Good|Failed", trigger!="rollback"}[1w]))`, "failed")}},
				{title: "Time to restore", about: "From a failed release to the next good one.", kind: "timeseries", unit: "s", queries: []query{ask(`histogram_quantile(0.5, sum by (le) (increase(aeo_deliver_restore_duration_seconds_bucket{`+of+`}[1w])))`, "median")}},
			}},
			{"Releases and drift", []panel{
				{title: "Releases that ended", kind: "timeseries", stacked: true, queries: []query{ask(`sum by (phase) (increase(aeo_deliver_releases_total{`+of+`}[$__rate_interval]))`, "{{phase}}")}},
				{title: "Sync", about: "From seeing a revision to having applied all of it.", kind: "timeseries", unit: "s", queries: []query{
					ask(`histogram_quantile(0.5, sum by (le) (rate(aeo_deliver_sync_duration_seconds_bucket{`+of+`}[$__rate_interval])))`, "median"),
					ask(`histogram_quantile(0.95, sum by (le) (rate(aeo_deliver_sync_duration_seconds_bucket{`+of+`}[$__rate_interval])))`, "95th percentile"),
				}},
				{title: "Drift", kind: "timeseries", queries: []query{
					ask(`sum(increase(aeo_deliver_drift_found_total{`+of+`}[$__rate_interval]))`, "found"),
					ask(`sum(increase(aeo_deliver_drift_repaired_total{`+of+`}[$__rate_interval]))`, "repaired"),
				}},
			}},
			{"The operator itself", []panel{
				{title: "Calls of the API server", kind: "timeseries", unit: "reqps", stacked: true, queries: []query{ask(`sum by (verb) (rate(aeo_deliver_api_calls_total[$__rate_interval]))`, "{{verb}}")}},
				{title: "Waiting applications", kind: "timeseries", queries: []query{ask(`aeo_deliver_queue_depth`, "waiting")}},
				{title: "A look at an application", kind: "timeseries", unit: "s", queries: []query{ask(`histogram_quantile(0.95, sum by (le) (rate(aeo_deliver_reconcile_duration_seconds_bucket[$__rate_interval])))`, "95th percentile")}},
				{title: "Sources' answers", kind: "timeseries", unit: "s", queries: []query{ask(`histogram_quantile(0.95, sum by (le, outcome) (rate(aeo_deliver_source_duration_seconds_bucket[$__rate_interval])))`, "{{outcome}}")}},
			}},
		},
	}
}

func objectivesDashboard() dashboard {
	const chosen = `namespace=~"$namespace", objective=~"$objective"`
	return dashboard{
		uid: "aeo-objectives", title: "AutoEcoOps: objectives", about: "Error budgets, how fast they burn, and what is not known.",
		variables: []variable{
			{name: "namespace", label: "Namespace", query: "label_values(aeo_slo_budget_remaining_ratio, namespace)"},
			{name: "objective", label: "Objective", query: `label_values(aeo_slo_budget_remaining_ratio{namespace=~"$namespace"}, objective)`},
		},
		rows: []row{
			{"Now", []panel{
				{title: "Least budget left", kind: "stat", unit: "percentunit", height: 5, good: 0.25, queries: []query{ask(`min(aeo_slo_budget_remaining_ratio{`+chosen+`})`, "")}},
				{title: "Incidents", kind: "stat", height: 5, bad: 1, queries: []query{ask(`sum(aeo_slo_incident{`+chosen+`}) or vector(0)`, "")}},
				{title: "Longest without an answer", about: "Since when the source of samples has been silent: silence is never health.", kind: "stat", unit: "s", height: 5, bad: 600, queries: []query{ask(`max(time() - aeo_slo_last_answer_timestamp_seconds{`+chosen+`})`, "")}},
			}},
			{"Budgets", []panel{
				{title: "Budget left", kind: "timeseries", unit: "percentunit", queries: []query{ask(`aeo_slo_budget_remaining_ratio{`+chosen+`}`, "{{namespace}}/{{objective}}")}},
				{title: "Burn rate", about: "At 1 the budget lasts just as long as its period.", kind: "timeseries", queries: []query{ask(`aeo_slo_burn_rate{`+chosen+`}`, "{{objective}}, {{window}}")}},
			}},
			{"What is known", []panel{
				{title: "States", kind: "timeseries", stacked: true, queries: []query{ask(`sum by (state) (aeo_slo_state{`+chosen+`})`, "{{state}}")}},
				{title: "Questions without an answer", kind: "timeseries", queries: []query{ask(`sum by (reason) (increase(aeo_slo_failures_total[$__rate_interval]))`, "{{reason}}")}},
				{title: "Alerts", kind: "timeseries", queries: []query{
					ask(`sum(increase(aeo_slo_alerts_delivered_total[$__rate_interval]))`, "delivered"),
					ask(`sum(aeo_slo_alerts_waiting)`, "waiting"),
					ask(`sum(increase(aeo_slo_alerts_lost_total[$__rate_interval]))`, "lost"),
				}},
			}},
		},
	}
}

func signalsDashboard() dashboard {
	return dashboard{
		uid: "aeo-signals", title: "AutoEcoOps: what is kept of signals", about: "Metrics, lines and spans that come in, that are kept, and that are lost.",
		rows: []row{
			{"Metrics", []panel{
				{title: "Series", about: "Against how many there may be.", kind: "timeseries", queries: []query{ask(`aeo_observe_series`, "in memory"), ask(`aeo_observe_series_limit`, "limit")}},
				{title: "Samples", kind: "timeseries", unit: "cps", queries: []query{
					ask(`sum by (source) (rate(aeo_observe_samples_accepted_total[$__rate_interval]))`, "kept, {{source}}"),
					ask(`sum by (source, reason) (rate(aeo_observe_samples_refused_total[$__rate_interval]))`, "refused, {{source}}: {{reason}}"),
				}},
				{title: "Exemplars", about: "Those that are kept, and how fast newer ones push them out.", kind: "timeseries", queries: []query{
					ask(`aeo_observe_exemplars`, "kept"), ask(`rate(aeo_observe_exemplars_pushed_out_total[$__rate_interval])`, "pushed out per second"), ask(`rate(aeo_observe_exemplars_late_total[$__rate_interval])`, "late per second"),
				}},
				{title: "Targets", kind: "timeseries", stacked: true, queries: []query{ask(`sum by (health) (aeo_observe_scrape_targets)`, "{{health}}"), ask(`sum(aeo_observe_scrape_targets_left)`, "too many")}},
				{title: "Watched series", about: "Those that are judged sample by sample (--metrics-watch), against how many there may be.", kind: "timeseries", stacked: true, queries: []query{
					ask(`sum by (state) (aeo_observe_watched_series)`, "{{state}}"), ask(`sum(aeo_observe_watched_series_left)`, "too many"),
				}},
				{title: "Room for watched series", kind: "timeseries", queries: []query{
					ask(`sum(aeo_observe_watched_series_limit) - sum(aeo_observe_watched_series)`, "room"), ask(`sum(increase(aeo_observe_watched_series_released_total[$__rate_interval]))`, "released"),
				}},
				{title: "Samples of watched series", kind: "timeseries", unit: "cps", queries: []query{ask(`sum by (verdict) (rate(aeo_observe_watched_samples_total[$__rate_interval]))`, "{{verdict}}"), ask(`sum(rate(aeo_observe_watched_samples_disputed_total[$__rate_interval]))`, "of a type that is disputed")}},
				{title: "Anomalies of watched series", kind: "timeseries", queries: []query{
					ask(`sum by (namespace, workload) (aeo_observe_watched_anomalies)`, "{{namespace}}/{{workload}}"),
					ask(`sum(aeo_observe_watched_anomalies_more)`, "more workloads"), ask(`sum(increase(aeo_observe_watched_anomalies_untold_total[$__rate_interval]))`, "began and were no event"),
				}},
				{title: "What was learned is kept", kind: "stat", good: 1, queries: []query{ask(`min(aeo_observe_watched_kept)`, "")}},
				{title: "Can be written", kind: "stat", good: 1, queries: []query{ask(`aeo_observe_metrics_writable`, "")}},
			}},
			{"Lines", []panel{
				{title: "Lines", kind: "timeseries", unit: "cps", queries: []query{ask(`rate(aeo_observe_lines_received_total[$__rate_interval])`, "received")}},
				{title: "Lines not kept", kind: "timeseries", unit: "cps", queries: []query{ask(`sum by (reason) (rate(aeo_observe_lines_lost_total[$__rate_interval]))`, "{{reason}}"), ask(`aeo_observe_logs_left`, "pods with logs beyond the bound")}},
				{title: "What is known of lines", kind: "timeseries", queries: []query{ask(`aeo_observe_log_workloads`, "workloads"), ask(`aeo_observe_log_templates`, "kinds of lines")}},
				{title: "Not looked at, or not told", kind: "timeseries", unit: "cps", queries: []query{ask(`sum by (reason) (rate(aeo_observe_log_unread_total[$__rate_interval]))`, "{{reason}}")}},
				{title: "Kept lines", kind: "timeseries", queries: []query{ask(`aeo_observe_lines`, "lines")}},
				{title: "Oldest line", kind: "stat", unit: "s", queries: []query{ask(`time() - (aeo_observe_lines_oldest_timestamp_seconds > 0)`, "")}},
			}},
			{"Traces", []panel{
				{title: "Spans", kind: "timeseries", unit: "cps", queries: []query{ask(`rate(aeo_observe_spans_received_total[$__rate_interval])`, "received")}},
				{title: "Spans not kept", kind: "timeseries", unit: "cps", queries: []query{ask(`sum by (reason) (rate(aeo_observe_spans_lost_total[$__rate_interval]))`, "{{reason}}")}},
				{title: "Kept traces", kind: "timeseries", queries: []query{ask(`aeo_observe_traces`, "traces"), ask(`aeo_observe_spans`, "spans")}},
				{title: "Blind", about: "1 while no traces are seen at all.", kind: "stat", bad: 1, queries: []query{ask(`aeo_observe_traces_sight{sight="blind"}`, "")}},
			}},
		},
	}
}
