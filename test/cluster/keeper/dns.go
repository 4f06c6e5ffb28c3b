package keeper

import (
	"context"
	"fmt"

	"github.com/autoecoops/autoecoops/test/cluster/image"
)

// DNSImage is the image of the cluster's DNS server.
const DNSImage = "localhost/aeo/coredns:1"

// dnsPort is where the DNS server listens in its pod: above those that only
// root may open.
const dnsPort = 1053

// corefile answers for the cluster's own names, and for this machine's, and
// denies all others: no pod reaches what lies beyond this machine.
const corefile = `cluster.local:%[1]d in-addr.arpa:%[1]d internal:%[1]d {
    errors
    ready :8181
    hosts {
        %[2]s host.internal
        fallthrough
    }
    kubernetes cluster.local in-addr.arpa {
        pods insecure
        ttl 5
    }
    cache 5
}
.:%[1]d {
    template ANY ANY {
        rcode NXDOMAIN
    }
}
`

// deployDNS makes the cluster's DNS: a Deployment of CoreDNS and its Service.
func (k *keeper) deployDNS(ctx context.Context) error {
	for _, o := range dnsObjects(k.net) {
		if err := k.kube.create(ctx, o.path, o.body); err != nil {
			return fmt.Errorf("deploy the cluster's DNS: %w", err)
		}
	}
	return nil
}

func (k *keeper) dnsReady(ctx context.Context) error {
	var d struct {
		Status struct{ AvailableReplicas int }
	}
	if err := k.kube.get(ctx, "/apis/apps/v1/namespaces/kube-system/deployments/coredns", &d); err != nil {
		return err
	}
	if d.Status.AvailableReplicas == 0 {
		return fmt.Errorf("no replica of CoreDNS is available")
	}
	return nil
}

// object is one to create, and the path of its collection.
type object struct {
	path string
	body map[string]any
}

type fields = map[string]any

func dnsObjects(n network) []object {
	const system = "/namespaces/kube-system"
	meta := fields{"name": "coredns", "namespace": "kube-system", "labels": fields{"k8s-app": "kube-dns"}}
	account := []fields{{"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}}
	read := []string{"list", "watch"}
	return []object{
		{"/api/v1" + system + "/serviceaccounts", fields{"metadata": meta}},
		{"/apis/rbac.authorization.k8s.io/v1/clusterroles", fields{"metadata": fields{"name": "system:coredns"}, "rules": []fields{
			{"apiGroups": []string{""}, "resources": []string{"endpoints", "services", "pods", "namespaces"}, "verbs": read},
			{"apiGroups": []string{"discovery.k8s.io"}, "resources": []string{"endpointslices"}, "verbs": read},
		}}},
		{"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", fields{
			"metadata": fields{"name": "system:coredns"}, "subjects": account,
			"roleRef": fields{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:coredns"},
		}},
		{"/api/v1" + system + "/configmaps", fields{"metadata": meta, "data": fields{"Corefile": fmt.Sprintf(corefile, dnsPort, n.address)}}},
		{"/api/v1" + system + "/services", fields{
			"metadata": fields{"name": "kube-dns", "labels": fields{"k8s-app": "kube-dns"}},
			"spec": fields{"clusterIP": n.dns, "selector": fields{"k8s-app": "kube-dns"}, "ports": []fields{
				{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": dnsPort},
				{"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": dnsPort},
			}},
		}},
		{"/apis/apps/v1" + system + "/deployments", fields{"metadata": meta, "spec": fields{
			"replicas": 1,
			"selector": fields{"matchLabels": fields{"k8s-app": "kube-dns"}},
			"template": fields{"metadata": fields{"labels": fields{"k8s-app": "kube-dns"}}, "spec": dnsPod()},
		}}},
	}
}

func dnsPod() fields {
	return fields{
		"serviceAccountName": "coredns", "priorityClassName": "system-cluster-critical", "dnsPolicy": "Default",
		"nodeSelector": fields{"kubernetes.io/os": "linux"},
		"containers": []fields{{
			"name": "coredns", "image": DNSImage, "imagePullPolicy": "Never",
			"args":           []string{"-conf", "/etc/coredns/Corefile"},
			"resources":      fields{"requests": fields{"cpu": "10m", "memory": "32Mi"}, "limits": fields{"memory": "170Mi"}},
			"readinessProbe": fields{"httpGet": fields{"path": "/ready", "port": 8181}, "periodSeconds": 1},
			"volumeMounts":   []fields{{"name": "config", "mountPath": "/etc/coredns", "readOnly": true}},
			"securityContext": fields{
				"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true, "runAsUser": image.NobodyID,
				"capabilities": fields{"drop": []string{"ALL"}}, "seccompProfile": fields{"type": "RuntimeDefault"},
			},
		}},
		"volumes": []fields{{"name": "config", "configMap": fields{"name": "coredns"}}},
	}
}
