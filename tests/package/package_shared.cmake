# The shared library: found where it was installed, moved to and built; which versions it stands for; what it shows.
include("${CMAKE_CURRENT_LIST_DIR}/tools.cmake")
file(REMOVE_RECURSE "${WORK_DIR}")
set(prefix "${WORK_DIR}/moved")
install_and_move("${RELEASE_DIR}" "${prefix}")

configure_consumer(installed "-DCMAKE_PREFIX_PATH=${prefix}")
build_consumer(installed all)
expect_programs_run(installed)
run("${prefix}/bin/cloud-p2p" --version)
run("${prefix}/bin/cloud-p2p-client" --version)

configure_consumer(build_tree "-Dcloudp2p_DIR=${RELEASE_DIR}")
build_consumer(build_tree all)
expect_programs_run(build_tree)

# Who only links the shared library needs nothing of what it is made with; who asks for the rest is told what lacks.
configure_consumer(bare "-DCMAKE_PREFIX_PATH=${prefix}" -DCMAKE_DISABLE_FIND_PACKAGE_fmt=ON)
build_consumer(bare all)
set(configure "${CMAKE_COMMAND}" -S "${SOURCE_DIR}/tests/package/consumer" -G "${GENERATOR}" "-DCMAKE_PREFIX_PATH=${prefix}")
run_refused("cloudp2p::testing is static and needs what is not installed: fmt"
  ${configure} -B "${WORK_DIR}/no_fmt" -DCMAKE_DISABLE_FIND_PACKAGE_fmt=ON "-DCOMPONENTS=testing")
foreach(version IN ITEMS 0.2 1.0 0.0.9)
  run_refused("requested version.*\"${version}\"" ${configure} -B "${WORK_DIR}/version-${version}" "-DWANTED=${version}")
endforeach()

# The static library in the same package makes a program that needs no other file of ours, and is small.
configure_consumer(static "-DCMAKE_PREFIX_PATH=${prefix}" -DCOMPONENTS=static)
build_consumer(static all)
expect_programs_run(static)
run(strip -o "${WORK_DIR}/stripped" "${WORK_DIR}/static/recorder")
file(SIZE "${WORK_DIR}/stripped" size)
math(EXPR kib "${size} / 1024")
message(STATUS "a stripped program with a node and a client in it: ${kib} KiB")
if(kib GREATER 3072)
  message(FATAL_ERROR "${kib} KiB are more than the 3 MiB that are promised")
endif()

set(library "${prefix}/${LIBDIR}/libcloudp2p.so")
# A library neither prints nor ends the process, and leaves signals to the program.
run(nm --dynamic --undefined-only --demangle "${library}")
string(REGEX MATCH " U (abort|exit|_exit|quick_exit|printf|vprintf|fprintf|puts|putchar|perror|syslog|signal|sigaction|std::(cout|cerr|clog))(@[^\n]*)?\n"
  banned "${output}")
if(banned)
  message(FATAL_ERROR "the library uses ${banned}")
endif()
# It shows its API, Asio's shared data, and instances of the standard library's templates.
run(nm --dynamic --defined-only --demangle "${library}")
set(strangers "")
string(REPLACE ";" "," lines "${output}")
string(REGEX REPLACE "\n" ";" lines "${lines}")
set(api 0)
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^[0-9a-f]* *[A-Za-z] " "" symbol "${line}")
  if(symbol MATCHES "^cloudp2p::[A-Za-z_]+(::[a-z_]+)?(\\[abi:cxx11\\])?\\(")
    math(EXPR api "${api} + 1")
  elseif(symbol MATCHES "^((typeinfo|typeinfo name|vtable|VTT|guard variable) for )?([a-z ]* )?std::")
    # The standard library is visible, and so are its templates, of whatever type.
  elseif(symbol MATCHES "cloudp2p::(core|asio_net|store|crypto|json|host)::|(^|[ <(,&*])(fmt|simdjson|Botan)::" OR symbol MATCHES "^sqlite3|^crypto_")
    list(APPEND strangers "${symbol}")
  endif()
endforeach()
if(strangers)
  list(JOIN strangers "\n" strangers)
  message(FATAL_ERROR "the library shows what is its own affair:\n${strangers}")
endif()
if(api LESS 20 OR NOT output MATCHES "asio::detail::call_stack<asio::detail::thread_context, [^\n]*>::top_")
  message(FATAL_ERROR "the library hides what its users need (${api} functions):\n${output}")
endif()
