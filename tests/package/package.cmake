# The static library, installed and moved; against it the consumer and all examples.
include("${CMAKE_CURRENT_LIST_DIR}/tools.cmake")
file(REMOVE_RECURSE "${WORK_DIR}")
install_and_move("${BUILD_DIR}" "${WORK_DIR}/moved")
# Away from our headers: only the installed ones are left.
file(COPY "${SOURCE_DIR}/examples" DESTINATION "${WORK_DIR}")
configure_consumer(consumer "-DCMAKE_PREFIX_PATH=${WORK_DIR}/moved" "-DEXAMPLES_DIR=${WORK_DIR}/examples")
build_consumer(consumer all)
expect_programs_run(consumer)
run(bash "${CMAKE_CURRENT_LIST_DIR}/examples.sh" "${WORK_DIR}/consumer")
# Programs are installed when they were built.
foreach(program IN ITEMS cloud-p2p cloud-p2p-client)
  if(EXISTS "${WORK_DIR}/moved/bin/${program}")
    run("${WORK_DIR}/moved/bin/${program}" --version)
  endif()
endforeach()
