# build: cmake with ctest, install into a staging directory, cpack to an archive, a test server on loopback
# needs: cmake gcc make python3
printf 'int main(void) { return 0; }\n' > main.c
cat > CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.13)
project(app VERSION 1.0 LANGUAGES C)
add_executable(app main.c)
install(TARGETS app DESTINATION bin)
enable_testing()
add_test(NAME runs COMMAND app)
add_test(NAME serves COMMAND python3 ${CMAKE_SOURCE_DIR}/serve.py)
set(CPACK_GENERATOR TGZ)
include(CPack)
C
cat > serve.py <<'P'
import http.server, threading, urllib.request
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
assert urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").status == 200
P
cmake -S . -B out >/dev/null && cmake --build out >/dev/null && (cd out && ctest --output-on-failure >/dev/null && cpack >/dev/null) && DESTDIR="$PWD/stage" cmake --install out >/dev/null && stage/usr/local/bin/app
