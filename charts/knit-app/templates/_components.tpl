{{- /* The event loops by Deployment: the program each runs, and its key in `loops` of the values. */ -}}
{{- define "knitfab.loops" -}}
projection-leader: { program: projection, values: projection }
initialize-leader: { program: initialize, values: initialize }
run-management-leader: { program: run-management, values: runManagement }
finishing-leader: { program: finishing, values: finishing }
garbage-collection-leader: { program: garbage-collection, values: garbageCollection }
housekeeping-leader: { program: housekeeping, values: housekeeping }
{{- end -}}

{{- /* Every component of this chart, one a line. */ -}}
{{- define "knitfab.componentNames" -}}
knitd
knitd-backend
{{ keys (include "knitfab.loops" . | fromYaml) | sortAlpha | join "\n" }}
{{- if .Values.vex.use }}
vex
{{- end }}
{{- end -}}

{{- /* Whether knitd speaks HTTPS: when knit-certs was given certificates (`certs`). */ -}}
{{- define "knitfab.knitdTLS" -}}
{{- if dig "cert" "" (.Values.certs | default dict) -}}true{{- end -}}
{{- end -}}

{{- /* How to reach the database (`database`), for every program that does. */ -}}
{{- define "knitfab.databaseEnvironment" -}}
{{- $database := .Values.database | default dict -}}
{{- $secret := dig "credential" "secret" "database-credential" $database -}}
- { name: PGHOST, value: {{ get $database "service" | default "database" | quote }} }
- { name: PGPORT, value: {{ get $database "port" | default 5432 | quote }} }
- { name: PGDATABASE, value: {{ get $database "database" | default "knitfab" | quote }} }
- { name: PGUSER, valueFrom: { secretKeyRef: { name: {{ $secret }}, key: username } } }
- { name: PGPASSWORD, valueFrom: { secretKeyRef: { name: {{ $secret }}, key: password } } }
- { name: PGSSLMODE, value: {{ ternary (dig "tls" "mode" "disable" $database) "disable" (get $database "external" | default false) }} }
{{- if include "knitfab.databaseAuthority" . }}
- { name: NODE_EXTRA_CA_CERTS, value: /etc/knitfab/database/ca.crt }
{{- end }}
{{- end -}}

{{- /* The Secret with the authority that a database of the administrator's own is known by; nothing where there is none. */ -}}
{{- define "knitfab.databaseAuthority" -}}
{{- $database := .Values.database | default dict -}}
{{- if and (get $database "external") (eq (dig "tls" "mode" "disable" $database) "verify-full") -}}
{{- dig "tls" "caSecret" "" $database | default "" -}}
{{- end -}}
{{- end -}}

{{- /* That authority as a part of a projected volume. */ -}}
{{- define "knitfab.databaseAuthoritySource" -}}
{{- with include "knitfab.databaseAuthority" . }}
- secret: { name: {{ . }}, items: [{ key: ca.crt, path: database/ca.crt }] }
{{- end }}
{{- end -}}

{{- /* The pod's own name and address. */ -}}
{{- define "knitfab.podEnvironment" -}}
- { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
- { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
- { name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
{{- end -}}

{{- /* By which Prometheus finds a pod's metrics. */ -}}
{{- define "knitfab.scrapeAnnotations" -}}
{{- if .Values.monitoring.scrape -}}
prometheus.io/scrape: "true"
prometheus.io/port: "9090"
prometheus.io/path: /metrics
{{- end -}}
{{- end -}}

{{- /*
A component's Deployment: (dict "root" . "name" "projection-leader" "program" "projection" "config" "loops-config"
"values" {replicas, resources}), and where it has them: "token" (it uses the Kubernetes API), "web" (port of its Web API),
"secrets" ({directory below /etc/knitfab: {name, keys, optional}}), "drain" (seconds for which it answers on after it was told to end).
*/ -}}
{{- define "knitfab.deployment" -}}
{{- $root := .root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels: {{- include "knitfab.labels" (list $root .name) | nindent 4 }}
spec:
  replicas: {{ .values.replicas }}
  # the next one is ready before the last one goes
  strategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
  selector:
    matchLabels: {{- include "knitfab.selector" (list $root .name) | nindent 6 }}
  template:
    metadata:
      labels: {{- include "knitfab.podLabels" (list $root .name) | nindent 8 }}
        app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
      annotations:
        checksum/config: {{ include "knitfab.configuration" $root | sha256sum }}
        {{- include "knitfab.scrapeAnnotations" $root | nindent 8 }}
    spec:
      enableServiceLinks: false
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: {{ .token | default false }}
      {{- include "knitfab.pullSecrets" $root | nindent 6 }}
      securityContext:
        {{- include "knitfab.restrictedPod" 1000 | nindent 8 }}
        # its Secrets are readable by this group
        fsGroup: 1000
      terminationGracePeriodSeconds: {{ add 25 (.drain | default 0) }}
      topologySpreadConstraints:
        - topologyKey: kubernetes.io/hostname
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "knitfab.selector" (list $root .name) | nindent 14 }}
          matchLabelKeys: [pod-template-hash]
      {{- with $root.Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "knitfab.image" (list $root $root.Values.image) }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [{{ .program }}]
          env:
            {{- include "knitfab.databaseEnvironment" $root | nindent 12 }}
            {{- include "knitfab.podEnvironment" $root | nindent 12 }}
          ports:
            {{- with .web }}
            - { name: web, containerPort: {{ . }} }
            {{- end }}
            - { name: metrics, containerPort: 9090 }
          startupProbe:
            httpGet: { path: /healthz, port: metrics }
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: 60
          readinessProbe:
            httpGet: { path: /readyz, port: metrics }
            periodSeconds: 10
            timeoutSeconds: 5
          livenessProbe:
            httpGet: { path: /healthz, port: metrics }
            periodSeconds: 30
            timeoutSeconds: 10
            failureThreshold: 4
          {{- with .drain }}
          lifecycle:
            # until every node knows that requests go elsewhere
            preStop: { exec: { command: [sleep, {{ . | quote }}] } }
          {{- end }}
          resources: {{- toYaml .values.resources | nindent 12 }}
          securityContext: {{- include "knitfab.restrictedContainer" $root | nindent 12 }}
          volumeMounts:
            - { name: configuration, mountPath: /etc/knitfab, readOnly: true }
            - { name: tmp, mountPath: /tmp }
      volumes:
        - name: configuration
          # as one directory, so that changes arrive in a pod that runs
          projected:
            defaultMode: 0440
            sources:
              - configMap: { name: {{ .config }} }
              {{- range $directory, $secret := .secrets }}
              - secret:
                  name: {{ $secret.name }}
                  optional: {{ $secret.optional | default false }}
                  items:
                    {{- range $secret.keys }}
                    - { key: {{ . }}, path: {{ $directory }}/{{ . }} }
                    {{- end }}
              {{- end }}
              {{- include "knitfab.databaseAuthoritySource" $root | nindent 14 }}
        - { name: tmp, emptyDir: {} }
{{- end -}}
