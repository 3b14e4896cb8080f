# Builds what a packager does: optimised, both libraries from one compilation, and the programs.
include("${CMAKE_CURRENT_LIST_DIR}/tools.cmake")
run("${CMAKE_COMMAND}" -S "${SOURCE_DIR}" -B "${RELEASE_DIR}" -G "${GENERATOR}"
  "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}"
  -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DCLOUDP2P_STATIC_TOO=ON -DCLOUDP2P_BUILD_EXAMPLES=OFF)
run("${CMAKE_COMMAND}" --build "${RELEASE_DIR}" --target installable --parallel 2)
