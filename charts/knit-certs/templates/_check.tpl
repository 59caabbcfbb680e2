{{- /* Fails with a sentence unless the certificates are ones: what is given is a PEM file in base64, nothing is half given. */ -}}
{{- define "knitfab.checkCertificates" -}}
{{- range $name := list "cacert" "cakey" "cert" "key" -}}
{{- with get $.Values $name -}}
{{- if not (contains "-----BEGIN " (b64dec .)) -}}
{{- fail (printf "%s is not a PEM file in base64. Give the output of: base64 -w0 FILE" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.cert (not .Values.key) -}}
{{- fail "cert is given, but not key, its private key. Give both, or neither for plain HTTP." -}}
{{- end -}}
{{- if and .Values.key (not .Values.cert) -}}
{{- fail "key is given, but not cert, the certificate it belongs to. Give both, or neither for plain HTTP." -}}
{{- end -}}
{{- if and .Values.cert (not .Values.cacert) -}}
{{- fail "cert is given, but not cacert, the certificate of the CA which has signed it: nodes and users need it to trust the server. For a self-signed certificate, give it as both." -}}
{{- end -}}
{{- end -}}
