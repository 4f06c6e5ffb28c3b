package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// elasticsearch counts its colour: yellow lacks replicas of data, red lacks data.
func elasticsearch(o object) Health {
	status := o.sub("status")
	var nodes int64
	for _, it := range o.sub("spec").list("nodeSets") {
		set, _ := it.(map[string]any)
		nodes += object(set).count("count")
	}
	if have, ok := status.number("availableNodes"); ok && have < nodes {
		return progressing("NotAvailable", "%d of %d nodes are available", have, nodes)
	}
	switch c := status.text("health"); c {
	case "green":
		return Health{Status: Healthy}
	case "red":
		return Health{Failed, "Red", "data is missing"}
	case "yellow":
		return progressing("Yellow", "replicas of data are missing")
	}
	return Health{Unknown, "NoHealth", "its health is not known"}
}

// snapshot judges a VolumeSnapshot and its kin.
func snapshot(o object) Health {
	status := o.sub("status")
	switch e := status.sub("error"); {
	case status.flag("readyToUse"):
		return Health{Status: Healthy}
	case e != nil:
		return Health{Failed, "SnapshotError", e.says("the snapshot failed")}
	case len(status) == 0:
		return unseen()
	}
	return progressing("NotReady", "it is not ready to use yet")
}

// longhornVolume: a degraded volume rebuilds replicas, a faulted one lost them.
func longhornVolume(o object) Health {
	status := o.sub("status")
	switch r := status.text("robustness"); {
	case r == "faulted":
		return Health{Failed, "Faulted", "all replicas are lost"}
	case r == "degraded":
		return progressing("Degraded", "replicas are being rebuilt")
	case status.text("state") == "":
		return unseen()
	case status.text("state") == "attached" || status.text("state") == "detached":
		return Health{Status: Healthy}
	}
	return progressing("Changing", "it is %s", status.text("state"))
}

// cephCluster: a warning of Ceph means that something is broken already, if
// nothing is lost.
func cephCluster(o object) Health {
	status := o.sub("status")
	switch h := status.sub("ceph").text("health"); h {
	case "HEALTH_ERR", "HEALTH_WARN":
		return Health{Failed, h, status.says("Ceph says " + h)}
	case "HEALTH_OK":
		switch status.text("state") {
		case "Created", "Connected":
			return Health{Status: Healthy}
		case "Error":
			return told(Failed, status, "it is in state Error", "Error")
		}
	}
	if len(status) == 0 {
		return unseen()
	}
	return told(Progressing, status, "it is being set up", firstWord(status.text("state"), "Pending"))
}

// grafana has a stage and how it went.
func grafana(o object) Health {
	status := o.sub("status")
	stage, went := status.text("stage"), status.text("stageStatus")
	switch {
	case went == "":
		return unseen()
	case went == "failed":
		return Health{Failed, "StageFailed", "stage " + stage + " failed: " + status.text("lastMessage")}
	case stage == "complete" && went == "success":
		return Health{Status: Healthy}
	}
	return progressing("Stage", "it is in stage %s", stage)
}

// collector is an OpenTelemetry collector: ready/wanted replicas as text.
func collector(o object) Health {
	mode, status := o.sub("spec").text("mode"), o.sub("status")
	if mode == "sidecar" && len(status) > 0 {
		return Health{Status: Healthy}
	}
	var ready, wanted int
	if _, err := fmt.Sscanf(status.sub("scale").text("statusReplicas"), "%d/%d", &ready, &wanted); err != nil {
		return unseen()
	}
	if ready < wanted || wanted == 0 && mode != "daemonset" {
		return progressing("NotReady", "%d of %d replicas are ready", ready, wanted)
	}
	return Health{Status: Healthy}
}

// minio writes sentences; these are the ones that it does not get out of by
// itself.
func minio(o object) Health {
	switch s := o.sub("status").text("currentState"); {
	case s == "":
		return unseen()
	case s == "Initialized":
		return Health{Status: Healthy}
	case strings.Contains(s, "not controlled by operator"), strings.Contains(s, "already exists"), strings.Contains(s, "not set properly"),
		strings.Contains(s, "Different versions"), strings.Contains(s, "Not Allowed"):
		return Health{Failed, "BadState", s}
	default:
		return Health{Progressing, "State", s}
	}
}

// openshiftRoute is healthy when every router admitted it.
func openshiftRoute(o object) Health {
	entries := o.sub("status").list("ingress")
	if len(entries) == 0 {
		return unseen()
	}
	for _, it := range entries {
		entry, _ := it.(map[string]any)
		c := object(entry).condition("Admitted")
		switch c.text("status") {
		case "True":
		case "False":
			return told(Failed, c, "a router refuses it")
		default:
			return progressing("NotAdmitted", "a router has not admitted it yet")
		}
	}
	return Health{Status: Healthy}
}

// gloo writes one status for each namespace of controllers, or one for all.
// States are words or their numbers.
func gloo(o object) Health {
	status := o.sub("status")
	entries := []object{status}
	for _, v := range status.sub("statuses") {
		m, _ := v.(map[string]any)
		entries = append(entries, m)
	}
	good := false
	for _, e := range entries {
		switch fmt.Sprint(e["state"]) {
		case "Accepted", "1":
			good = true
		case "Rejected", "2":
			return told(Failed, e, "it is rejected")
		case "Warning", "3":
			return told(Failed, e, "it is accepted with warnings")
		}
	}
	if !good {
		return unseen()
	}
	return Health{Status: Healthy}
}

// cloneSet judges OpenKruise's workloads.
func cloneSet(o object) Health {
	status, update := o.sub("status"), o.sub("spec").sub("updateStrategy")
	if fresh(o) {
		return notSeen()
	}
	want := desired(o.sub("spec"))
	updated := status.count("updatedReplicas")
	expected, ok := status.number("expectedUpdatedReplicas")
	if !ok {
		expected = want
	}
	switch {
	case update.flag("paused") || update.sub("rollingUpdate").flag("paused"):
		return Health{Suspended, "Paused", "the rollout is paused"}
	case updated < expected:
		return progressing("Updating", "%d of %d replicas are updated", updated, expected)
	case status.count("readyReplicas") < want:
		return progressing("NotReady", "%d of %d replicas are ready", status.count("readyReplicas"), want)
	case expected < want:
		return Health{Suspended, "Partitioned", "the rollout waits at its partition"}
	}
	return Health{Status: Healthy}
}

// crunchy is healthy when every instance set has its replicas.
func crunchy(o object) Health {
	sets := o.sub("status").list("instances")
	if len(sets) == 0 {
		return unseen()
	}
	for _, it := range sets {
		m, _ := it.(map[string]any)
		s := object(m)
		if ready, want := s.count("readyReplicas"), s.count("replicas"); ready < want || s.count("updatedReplicas") < want {
			return progressing("NotReady", "%d of %d replicas of %s are ready", ready, want, s.text("name"))
		}
	}
	return Health{Status: Healthy}
}

// applied judges kinds that write status.applied and an error text.
func applied(o object) Health {
	status := o.sub("status")
	done, written := status["applied"].(bool)
	switch {
	case done:
		return Health{Status: Healthy}
	case written:
		return told(Failed, status, "it could not be applied", "NotApplied")
	}
	return unseen()
}

// managedCertificate judges a certificate of Google Kubernetes Engine: one bad
// domain keeps it from being used.
func managedCertificate(o object) Health {
	status := o.sub("status")
	for _, it := range status.list("domainStatus") {
		d, _ := it.(map[string]any)
		if s := object(d).text("status"); strings.HasPrefix(s, "Failed") {
			return Health{Failed, s, "no certificate for " + object(d).text("domain")}
		}
	}
	switch s := status.text("certificateStatus"); s {
	case "":
		return unseen()
	case "Active":
		return Health{Status: Healthy}
	default:
		return progressing(s, "the certificate is %s", s)
	}
}

// helmRepository has no state of its own if charts come from a registry.
func helmRepository(o object) Health {
	if o.sub("spec").text("type") == "oci" {
		return Health{Status: Healthy}
	}
	return fluxJudge()(o)
}

// replicated judges kinds that count what they have in their status.
func replicated(o object) Health {
	status := o.sub("status")
	if len(status) == 0 {
		return unseen()
	}
	want := desired(o.sub("spec"))
	if n, ok := status.number("replicas"); ok {
		want = max(n, want)
	}
	if ready := status.count("readyReplicas"); ready < want {
		return progressing("NotReady", "%d of %d replicas are ready", ready, want)
	}
	return Health{Status: Healthy}
}

// severe judges a Cluster of the Cluster API further: its condition Ready being
// False counts by its severity, which newer versions do not write any more.
func severe(o object) Health {
	for _, typ := range []string{"Available", "Ready"} {
		c := o.sub("status").condition(typ)
		if c.text("status") != "False" {
			continue
		}
		if s := c.text("severity"); s == "Error" || s == "Warning" {
			return told(Failed, c, "it is not "+typ)
		}
		return told(Progressing, c, "it is not "+typ)
	}
	return Health{Status: Healthy}
}

// controlPlane: version 1beta2 of the Cluster API says Available, older ones
// Ready.
func controlPlane(o object) Health {
	status := o.sub("status")
	for _, typ := range []string{"Available", "Ready"} {
		c := status.condition(typ)
		switch {
		case c == nil:
			continue
		case c.text("status") == "True":
			return Health{Status: Healthy}
		case c.text("severity") == "Error":
			return told(Failed, c, "it is not "+typ)
		}
		return told(Progressing, c, "it is not "+typ)
	}
	return unseen()
}

// virtualMachine: one that is stopped on purpose is suspended.
func virtualMachine(o object) Health {
	status := o.sub("status")
	if c := status.condition("Paused"); c.text("status") == "True" {
		return told(Suspended, c, "it is paused")
	}
	switch c := status.condition("Ready"); {
	case c == nil:
		return unseen()
	case c.text("status") == "True":
		return Health{Status: Healthy}
	case status.text("printableStatus") == "Stopped" || !status.flag("created"):
		return Health{Suspended, "Stopped", "it is stopped"}
	default:
		return told(Progressing, c, "it is not ready")
	}
}

// clusterExternalSecret: old versions keep what they said before, so Ready counts
// most.
func clusterExternalSecret(o object) Health {
	status := o.sub("status")
	if status.condition("Ready").text("status") == "True" {
		return Health{Status: Healthy}
	}
	for _, typ := range []string{"PartiallyReady", "NotReady"} {
		if c := status.condition(typ); c.text("status") == "True" {
			return told(Failed, c, "it is "+typ)
		}
	}
	if c := status.condition("Ready"); c != nil {
		return told(Failed, c, "it is not Ready")
	}
	return unseen()
}

// configConnector is Google's operator itself.
func configConnector(o object) Health {
	status := o.sub("status")
	healthy, written := status["healthy"].(bool)
	switch {
	case healthy:
		return Health{Status: Healthy}
	case !written:
		return unseen()
	}
	if errs := status.list("errors"); len(errs) > 0 {
		text, _ := errs[0].(string)
		return Health{Failed, "Unhealthy", text}
	}
	return Health{Failed, "Unhealthy", "it is not healthy"}
}

// model looks at what a model server has loaded.
func model(o object) Health {
	m := o.sub("status").sub("modelStatus")
	switch s := m.text("transitionStatus"); s {
	case "", "UpToDate":
		return Health{Status: Healthy}
	case "InProgress":
		return Health{Progressing, s, "the model is being loaded"}
	default:
		return Health{Failed, s, m.sub("lastFailureInfo").says("the model cannot be loaded")}
	}
}

// brokers looks at the brokers of a Kafka cluster one by one.
func brokers(o object) Health {
	state := o.sub("status").sub("brokersState")
	for _, id := range slices.Sorted(maps.Keys(state)) {
		b, _ := state[id].(map[string]any)
		if s := object(b).text("configurationState"); s != "" && s != "ConfigInSync" {
			return progressing(s, "broker %s is not in sync", id)
		}
	}
	return Health{Status: Healthy}
}

// machinesHealthy counts the machines that a check looks after.
func machinesHealthy(o object) Health {
	status := o.sub("status")
	if have, want := status.count("currentHealthy"), status.count("expectedMachines"); have < want {
		return Health{Failed, "MachinesUnhealthy", fmt.Sprintf("%d of %d machines are healthy", have, want)}
	}
	return Health{Status: Healthy}
}
