package scorecard

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/ops"
)

// infrastructureRules judge Terraform.
var infrastructureRules = map[string]rule{
	"modules": {subject: hasTerraform, absent: noTerraform, unlooked: "Terraform modules"},
	"pinned-versions": {subject: hasTerraform, absent: noTerraform, collect: pinned,
		missing: "no version of Terraform, a provider or a module is pinned"},
	"remote-state": {subject: hasTerraform, absent: noTerraform, collect: remoteState,
		missing: "no backend is declared"},
	"no-secrets-in-code":         {subject: hasTerraform, absent: noTerraform, unlooked: "secrets in Terraform code and outputs"},
	"least-privilege-identities": {subject: hasTerraform, absent: noTerraform, unlooked: "cloud roles and the pipeline's trust"},
	"secure-resources":           {subject: hasTerraform, absent: noTerraform, unlooked: "Terraform resources"},
	"pre-commit-and-linting": {subject: hasManifests, absent: "there is neither Kubernetes nor Terraform here", collect: linting,
		missing: "neither a pre-commit hook nor a pipeline checks infrastructure code"},
	"tested": {subject: hasTerraform, absent: noTerraform, collect: testedInfrastructure,
		missing: "no pipeline here validates, plans or tests the Terraform code",
		beyond:  "whether the runs pass is for the ledger to tell"},
	"consistent-naming": {subject: hasTerraform, absent: noTerraform, unlooked: "names and tags of Terraform resources"},
}

const inTime = "whether findings are fixed in time is for the ledger to tell"

// pipelineRules judge what pipelines look for.
var pipelineRules = map[string]rule{
	"sast": {subject: hasCode, absent: noCode, collect: inPipeline("sast"), missing: "no static analyser runs in a pipeline here", beyond: inTime},
	"dependency-scanning": {subject: func(j *judge) bool { return hasCode(j) || len(j.scan.code.dependencies) > 0 }, absent: "there is nothing here that has dependencies", collect: inPipeline("dependency-scanning"),
		missing: "neither Dependabot, Renovate nor a scanner is set up here", beyond: "whether updates get merged can only be seen in the Git host: connect a forge"},
	"secret-detection": {collect: inPipeline("secret-detection"),
		missing: "nothing here looks for secrets; push protection is a setting of the Git host: connect a forge", beyond: "whether the history holds secrets was not looked at"},
	"container-scanning": {subject: buildsImages, absent: "no image is built here", collect: inPipeline("container-scanning"), missing: "no pipeline here scans the images that are built", beyond: inTime},
	"iac-scanning":       {subject: hasManifests, absent: "there is neither Kubernetes nor Terraform here", collect: inPipeline("iac-scanning"), missing: "no pipeline here scans manifests or Terraform", beyond: inTime},
	"dast":               {subject: func(j *judge) bool { return hasCode(j) && buildsImages(j) }, absent: "no running application is built here", collect: inPipeline("dast"), missing: "no pipeline here attacks a running system", beyond: inTime},
	"sbom":               {subject: buildsImages, absent: "no image is built here", collect: inPipeline("sbom"), missing: "no pipeline here makes a bill of materials", beyond: "whether every artefact has one is for the ledger to tell"},
	"signing-and-provenance": {subject: buildsImages, absent: "no image is built here", collect: inPipeline("signing-and-provenance"),
		missing: "no pipeline here signs artefacts or records how they were built", beyond: "whether every artefact carries one is for the ledger to tell"},
	"hardened-workflows":   {subject: hasPipeline, absent: noPipeline, unlooked: "workflows"},
	"prioritised-findings": {elsewhere: "the ledger shows it: priorities and deadlines are recorded there"},
	"feedback-in-the-pull-request": {subject: hasPipeline, absent: noPipeline, collect: inPipeline("feedback-in-the-pull-request"),
		missing: "pipelines here show results in logs only; a check or app of the Git host could do more: connect a forge"},
}

// codeRules judge images, tests and review.
var codeRules = map[string]rule{
	"image-build-hygiene": {subject: buildsImages, absent: "no image is built here", unlooked: "Dockerfiles"},
	"coverage-threshold": {subject: hasCode, absent: noCode, collect: coverageThreshold,
		missing: "no least coverage is set"},
	"test-types": {subject: hasCode, absent: noCode, collect: testTypes, missing: "no tests were found by their names",
		beyond: "whether they pass is for the ledger to tell"},
	"parallel-tests": {subject: func(j *judge) bool { return hasCode(j) && hasPipeline(j) }, absent: "no pipeline here tests source code",
		missing: "no pipeline here runs tests"},
	"tests-gate-merges": {elsewhere: "the Git host's required checks show it: connect a forge"},
	"automated-review": {subject: func(j *judge) bool { return hasCode(j) || hasPipeline(j) }, absent: "there is neither source code nor a pipeline here", collect: inPipeline("automated-review"),
		missing: "nothing here comments on pull requests by itself; an app of the Git host could: connect a forge"},
	"human-review": {elsewhere: "the Git host's reviews show it: connect a forge"},
}

// inPipeline asks for more than hooks on developers' machines.
func inPipeline(practice string) func(*judge, *tally) {
	return func(j *judge, t *tally) {
		if t.good == 0 {
			return
		}
		if j.scan.hook[practice] && !j.scan.pipeline[practice] {
			t.gap(false, "only a hook on developers' machines does it, which anyone can skip")
		}
	}
}

func pinned(j *judge, t *tally) {
	if t.good == 0 {
		return
	}
	locked := 0
	for dir := range j.scan.tf.roots {
		if j.scan.tf.locks[dir] {
			locked++
		}
	}
	if n := len(j.scan.tf.roots); n > locked {
		t.gap(false, fmt.Sprintf("%d of %s have no lock file", n-locked, count(n, "Terraform root")))
	}
	asked := slices.ContainsFunc(j.scan.signals["pinned-versions"], func(e Evidence) bool { return strings.HasPrefix(e.Note, "Terraform's version") })
	t.gap(asked, "Terraform's own version is not asked for")
}

func remoteState(j *judge, t *tally) {
	for _, e := range j.scan.tf.unkept() {
		t.note(e)
	}
	if t.good > 0 {
		t.gap(false, "its isolation per environment and the hardening of its bucket are not evaluated: such checks do not exist yet")
	}
}

func linting(j *judge, t *tally) {
	const p = "pre-commit-and-linting"
	if t.good > 0 {
		t.gap(j.scan.hook[p], "no pre-commit hook does it")
		t.gap(j.scan.pipeline[p], "no pipeline here does it")
	}
}

func testedInfrastructure(j *judge, t *tally) {
	if t.good == 0 {
		return
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(j.scan.signals["tested"], func(e Evidence) bool {
			return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(e.Note, w) })
		})
	}
	t.gap(has("plan", "atlantis"), "no plan is made in a pipeline")
	t.gap(has("test"), "no integration test was found")
	t.gap(false, "policies on plans are not evaluated")
}

func coverageThreshold(j *judge, t *tally) {
	measured := j.scanned(t, "coverage-threshold/measured")
	if t.good == 0 {
		return
	}
	enforced := slices.ContainsFunc(j.scan.signals["coverage-threshold"], func(e Evidence) bool { return e.Status == ops.Pass })
	if !enforced && measured {
		t.lead = "coverage is measured"
		t.gap(false, "no least coverage is set")
		return
	}
	ran := len(j.scan.signals["tests-gate-merges"]) > 0 || j.scan.pipeline["coverage-threshold"]
	t.gap(ran, "no pipeline here runs the tests")
}

// testTypes says which kinds of tests were found.
func testTypes(j *judge, t *tally) {
	kinds := slices.Sorted(maps.Keys(j.scan.code.tests))
	for _, k := range kinds {
		t.note(j.scan.code.tests[k])
	}
	if len(kinds) == 0 {
		return
	}
	t.lead = "there are " + strings.Join(kinds, ", ") + " tests"
	var lacking []string
	for _, k := range []string{"unit", "integration", "end-to-end", "performance"} {
		if !slices.Contains(kinds, k) {
			lacking = append(lacking, k)
		}
	}
	t.gap(len(lacking) == 0, "no "+strings.Join(lacking, " or ")+" test was found by its name")
}
