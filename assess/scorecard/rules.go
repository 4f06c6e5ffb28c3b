package scorecard

import "maps"

// rules says how each practice is judged, by its id.
var rules = func() map[string]rule {
	all := map[string]rule{}
	for _, area := range []map[string]rule{kubernetesRules, observabilityRules, gitopsRules, deliveryRules, complianceRules, infrastructureRules, pipelineRules, codeRules} {
		maps.Copy(all, area)
	}
	return all
}()

// The reasons for which practices do not apply.
const (
	noKubernetes = "there are no Kubernetes objects here"
	noWorkloads  = "there are no workloads here"
	noTerraform  = "there is no Terraform here"
	noPipeline   = "there is no pipeline here"
	noCode       = "there is no source code here"
	noImages     = "nothing here builds or runs an image"
)

// notHere ends the reasons for what another repository may well hold.
const notHere = "; if another repository or the cluster itself holds it, it can only be seen there"

func hasPipeline(j *judge) bool  { return len(j.scan.pipelines) > 0 }
func hasCode(j *judge) bool      { return j.scan.code.files > 0 }
func buildsImages(j *judge) bool { return j.scan.code.dockerfiles > 0 }
func hasTerraform(j *judge) bool { return j.scan.tf.files > 0 }
func hasImages(j *judge) bool    { return buildsImages(j) || hasWorkloads(j) }
func hasManifests(j *judge) bool { return hasTerraform(j) || hasKubernetes(j) }
