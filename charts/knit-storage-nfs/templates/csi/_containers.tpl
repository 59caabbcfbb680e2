{{- /* The driver itself, beside whatever speaks to it over its socket: (list . "controller"|"node") */ -}}
{{- define "knitfab.csiDriverContainers" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $csi := $root.Values.csi -}}
{{- $port := get $csi.ports $role -}}
- name: nfs
  image: {{ include "knitfab.mirrored" (list $root $csi.images.nfs) }}
  imagePullPolicy: {{ $csi.images.pullPolicy }}
  args:
    - -v=2
    - --drivername={{ $csi.driverName }}
    - --nodeid=$(NODE_ID)
    - --endpoint=unix:///csi/csi.sock
  env:
    - name: NODE_ID
      valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
  livenessProbe:
    httpGet: { host: localhost, path: /healthz, port: {{ $port }} }
    initialDelaySeconds: 30
    timeoutSeconds: 10
    periodSeconds: 30
    failureThreshold: 5
  resources:
    requests: { cpu: 10m, memory: 20Mi }
    limits: { memory: 300Mi }
  # it mounts NFS for pods
  securityContext: { privileged: true }
  volumeMounts:
    - { name: socket, mountPath: /csi }
    - { name: pods, mountPath: {{ $csi.kubeletDirectory }}/pods, mountPropagation: Bidirectional }
- name: liveness-probe
  image: {{ include "knitfab.mirrored" (list $root $csi.images.livenessProbe) }}
  imagePullPolicy: {{ $csi.images.pullPolicy }}
  args:
    - --csi-address=/csi/csi.sock
    - --probe-timeout=3s
    - --http-endpoint=localhost:{{ $port }}
  {{- include "knitfab.csiSidecar" . | nindent 2 }}
{{- end -}}

{{- /* What the driver's helpers have in common. */ -}}
{{- define "knitfab.csiSidecar" -}}
resources:
  requests: { cpu: 10m, memory: 20Mi }
  limits: { memory: 200Mi }
securityContext: {{- include "knitfab.restrictedContainer" . | nindent 2 }}
volumeMounts:
  - { name: socket, mountPath: /csi }
{{- end -}}
