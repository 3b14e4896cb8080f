# What the scripts beside have in common. `output` is what the last command printed.

# The same files are compiled in several folders: ccache is not to make their names relative to those.
set(ENV{CCACHE_BASEDIR} "${RELEASE_DIR}")
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\nended with ${result}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# Must fail, and say so in words that match.
function(run_refused expected)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result EQUAL 0 OR NOT output MATCHES "${expected}")
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nwas to fail with \"${expected}\"; it ended with ${result}:\n${output}")
  endif()
endfunction()

function(configure_consumer folder)
  run("${CMAKE_COMMAND}" -S "${SOURCE_DIR}/tests/package/consumer" -B "${WORK_DIR}/${folder}" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}"
    -DCMAKE_BUILD_TYPE=Release ${ARGN})
endfunction()

function(build_consumer folder)
  run("${CMAKE_COMMAND}" --build "${WORK_DIR}/${folder}" --parallel 2 --target ${ARGN})
endfunction()

function(expect_output expected)
  run(${ARGN})
  if(NOT output MATCHES "^${expected}\n$")
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nprinted \"${output}\" instead of \"${expected}\"")
  endif()
endfunction()

# The programs of the consumer, and one that stores an image in a cluster of one.
function(expect_programs_run folder)
  expect_output("001122334455 jpeg holiday" "${WORK_DIR}/${folder}/headers_only")
  expect_output("[0-9a-f]+: 1 of 1 copies" "${WORK_DIR}/${folder}/recorder" "${WORK_DIR}/${folder}/images")
endfunction()

# Installed and moved elsewhere: PREFIX.
function(install_and_move build_dir prefix)
  run("${CMAKE_COMMAND}" --install "${build_dir}" --prefix "${WORK_DIR}/installed")
  file(RENAME "${WORK_DIR}/installed" "${prefix}")
  file(GLOB package_files "${prefix}/${LIBDIR}/cmake/cloudp2p/*.cmake" "${prefix}/${LIBDIR}/pkgconfig/*.pc")
  list(LENGTH package_files count)
  if(count LESS 8)
    message(FATAL_ERROR "only ${count} files describe the package: ${package_files}")
  endif()
  foreach(file IN LISTS package_files)
    file(READ "${file}" content)
    foreach(path IN ITEMS "${SOURCE_DIR}" "${build_dir}" "${WORK_DIR}")
      string(FIND "${content}" "${path}" at)
      if(NOT at EQUAL -1)
        message(FATAL_ERROR "${file} names ${path}: the package can not be moved")
      endif()
    endforeach()
  endforeach()
endfunction()
