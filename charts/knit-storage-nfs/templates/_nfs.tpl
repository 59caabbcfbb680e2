{{- /* Whether NFS is installed at all: not where an existing StorageClass is used. */ -}}
{{- define "knitfab.nfs" -}}
{{- if not .Values.storageClass -}}true{{- end -}}
{{- end -}}

{{- /* Whether the NFS server runs in the cluster. */ -}}
{{- define "knitfab.nfsInCluster" -}}
{{- if not (or .Values.storageClass .Values.nfs.external) -}}true{{- end -}}
{{- end -}}

{{- /* Name of the NFS server as nodes resolve it: the driver's pods ask the cluster's DNS, whose search list knows its domain. */ -}}
{{- define "knitfab.nfsServer" -}}
{{- if .Values.nfs.external -}}{{ .Values.nfs.server }}{{- else -}}nfs-server.{{ .Release.Namespace }}.svc{{- end -}}
{{- end -}}

{{- /* Fails with a sentence where values contradict each other. */ -}}
{{- define "knitfab.checkNfs" -}}
{{- with .Values.nfs -}}
{{- if and .external (not .server) -}}
{{- fail "nfs.external is true, but nfs.server is empty. Set nfs.server to the host name or address of your NFS server, or nfs.external to false for one in the cluster." -}}
{{- end -}}
{{- if and .server (not .external) -}}
{{- fail (printf "nfs.server is %q, but nfs.external is false, so that it would not be used. Set nfs.external to true." .server) -}}
{{- end -}}
{{- if and .hostPath .volumeClaim -}}
{{- fail "nfs.hostPath and nfs.volumeClaim are both set. Leave one of them empty: the NFS server keeps its files in one place." -}}
{{- end -}}
{{- end -}}
{{- end -}}
