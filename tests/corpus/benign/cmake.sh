# build: a library and a test with CMake
# needs: cmake gcc make
cat > CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.10)
project(demo C)
include(CheckFunctionExists)
check_function_exists(strdup HAVE_STRDUP)
add_library(demo SHARED lib.c)
add_executable(check check.c)
target_link_libraries(check demo)
enable_testing()
add_test(NAME check COMMAND check)
install(TARGETS demo check)
C
echo 'int two(void) { return 2; }' > lib.c; echo 'int two(void); int main(void) { return two() - 2; }' > check.c
cmake -S . -B build -DCMAKE_INSTALL_PREFIX="$PWD/inst" && cmake --build build && (cd build && ctest) && cmake --install build
