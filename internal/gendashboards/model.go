package main

import (
	"encoding/json"
	"net/url"
	"strings"
)

// The data sources, by the uids that dashboards/provisioning gives them.
const (
	metricsUID = "aeo-metrics"
	logsUID    = "aeo-logs"
	tracesUID  = "aeo-traces"
)

// dashboard is a page of panels.
type dashboard struct {
	uid, title, about string
	variables         []variable
	rows              []row
}

// variable is a choice at the top of a page: the values of a label.
type variable struct {
	name, label, query string
	// part is the regular expression of which the first group is a value, where the query
	// answers with more; all is the one that stands for every value, .+ if empty.
	part, all string
	// logs asks the source of logs instead of that of metrics.
	logs bool
}

// row is panels side by side under a title.
type row struct {
	title  string
	panels []panel
}

// panel is one picture.
type panel struct {
	title, about string
	// kind is Grafana's name for the picture.
	kind string
	// unit is Grafana's name for the unit of the values.
	unit    string
	queries []query
	// source is the uid of the data source; metricsUID if empty.
	source string
	// height in Grafana's units; 8 if 0.
	height int
	// lines leads from a value to the lines of its workload at that time: series are
	// told apart by the label workload.
	lines bool
	// stacked adds the series up.
	stacked bool
	// good and bad colour a single value: at bad it is red; the other way round if good
	// is above.
	good, bad float64
}

// query is what a panel asks, and how a series is called.
type query struct {
	expr, legend string
	// exemplars shows the traces behind the values.
	exemplars bool
}

func ask(expr, legend string) query { return query{expr: expr, legend: legend} }

// width is that of a page.
const width = 24

type object = map[string]any

func source(uid string) object {
	kind := map[string]string{metricsUID: "prometheus", logsUID: "loki", tracesUID: "jaeger"}[uid]
	return object{"type": kind, "uid": uid}
}

// model is the dashboard in Grafana's form.
func (d dashboard) model() object {
	var panels []object
	id, y := 0, 0
	for _, r := range d.rows {
		id++
		panels = append(panels, object{"id": id, "type": "row", "title": r.title, "collapsed": false, "panels": []any{}, "gridPos": object{"x": 0, "y": y, "w": width, "h": 1}})
		y++
		tallest := 0
		for i, p := range r.panels {
			id++
			w := width / len(r.panels)
			tallest = max(tallest, p.tall())
			m := p.model()
			m["id"], m["gridPos"] = id, object{"x": i * w, "y": y, "w": w, "h": p.tall()}
			panels = append(panels, m)
		}
		y += tallest
	}
	var variables []object
	for _, v := range d.variables {
		variables = append(variables, v.model())
	}
	return object{
		"uid": d.uid, "title": d.title, "description": d.about, "tags": []string{"autoecoops"}, "schemaVersion": 39, "version": 1, "editable": true,
		"time": object{"from": "now-1h", "to": "now"}, "refresh": "30s", "timezone": "browser", "graphTooltip": 1,
		"templating": object{"list": variables}, "panels": panels,
		"links": []object{{"type": "dashboards", "tags": []string{"autoecoops"}, "title": "AutoEcoOps", "asDropdown": true, "includeVars": true, "keepTime": true}},
	}
}

func (v variable) model() object {
	uid := metricsUID
	if v.logs {
		uid = logsUID
	}
	all := v.all
	if all == "" {
		all = ".+"
	}
	return object{
		"name": v.name, "label": v.label, "type": "query", "datasource": source(uid), "query": v.query, "regex": v.part, "refresh": 2,
		"includeAll": true, "allValue": all, "multi": false, "sort": 1, "current": object{"text": "All", "value": "$__all"},
	}
}

func (p panel) tall() int {
	if p.height == 0 {
		return 8
	}
	return p.height
}

func (p panel) model() object {
	uid := p.source
	if uid == "" {
		uid = metricsUID
	}
	var targets []object
	for i, q := range p.queries {
		t := object{"refId": string(rune('A' + i)), "datasource": source(uid)}
		switch uid {
		case tracesUID:
			t["queryType"], t["service"], t["limit"] = "search", q.expr, 20
		case logsUID:
			t["expr"], t["queryType"] = q.expr, "range"
		default:
			t["expr"], t["legendFormat"], t["range"], t["instant"] = q.expr, q.legend, p.kind != "stat" && p.kind != "table", p.kind == "stat" || p.kind == "table"
			if q.exemplars {
				t["exemplar"] = true
			}
			if p.kind == "table" {
				t["format"] = "table"
			}
		}
		targets = append(targets, t)
	}
	defaults := object{"unit": p.unit}
	if p.lines {
		defaults["links"] = []object{{"title": "Lines of ${__field.labels.workload}", "url": linesOf(), "targetBlank": true}}
	}
	switch p.kind {
	case "timeseries":
		custom := object{"lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": false}
		if p.stacked {
			custom["stacking"] = object{"mode": "normal"}
		}
		defaults["custom"] = custom
	case "stat":
		defaults["thresholds"] = p.thresholds()
	}
	m := object{
		"type": p.kind, "title": p.title, "description": p.about, "datasource": source(uid), "targets": targets,
		"fieldConfig": object{"defaults": defaults, "overrides": []any{}}, "options": object{},
	}
	switch p.kind {
	case "timeseries":
		m["options"] = object{"legend": object{"displayMode": "list", "placement": "bottom"}, "tooltip": object{"mode": "multi", "sort": "desc"}}
	case "logs":
		m["options"] = object{"showTime": true, "wrapLogMessage": true, "sortOrder": "Descending", "enableLogDetails": true}
	case "stat":
		m["options"] = object{"colorMode": "background", "graphMode": "area", "reduceOptions": object{"calcs": []string{"lastNotNull"}}}
	}
	return m
}

// linesOf is the address of the lines of a value's workload in the time that is shown. What
// Grafana fills in stays as it is; the rest is in the form of an address.
func linesOf() string {
	pane, err := json.Marshal(object{"lines": object{
		"datasource": logsUID,
		"queries":    []object{{"refId": "A", "datasource": source(logsUID), "expr": `{namespace=~"${namespace}", service_name="${__field.labels.workload}"}`, "queryType": "range"}},
		"range":      object{"from": "${__from}", "to": "${__to}"},
	}})
	if err != nil {
		panic(err) // it holds nothing but words
	}
	keep := strings.NewReplacer("%24%7B", "${", "%7D", "}", "+", "%20")
	return "/explore?schemaVersion=1&panes=" + keep.Replace(url.QueryEscape(string(pane)))
}

// thresholds colours a value: green where it is good, red where it is bad.
func (p panel) thresholds() object {
	first, second := "green", "red"
	at := p.bad
	if p.good > p.bad {
		first, second, at = "red", "green", p.good
	}
	if p.good == p.bad {
		return object{"mode": "absolute", "steps": []object{{"color": "blue", "value": nil}}}
	}
	return object{"mode": "absolute", "steps": []object{{"color": first, "value": nil}, {"color": second, "value": at}}}
}
