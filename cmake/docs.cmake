# The reference of the library: target `docs`, and the test of that name, which fails when a public symbol has no comment.
find_package(Doxygen 1.9.4 QUIET)
if(Doxygen_FOUND)
  set(CLOUDP2P_DOCS_DIR "${PROJECT_BINARY_DIR}/docs")
  configure_file("${PROJECT_SOURCE_DIR}/docs/Doxyfile.in" "${CLOUDP2P_DOCS_DIR}/Doxyfile" @ONLY)
  add_custom_target(docs
    COMMAND Doxygen::doxygen "${CLOUDP2P_DOCS_DIR}/Doxyfile"
    COMMENT "Writing ${CLOUDP2P_DOCS_DIR}/html/index.html" VERBATIM)
endif()

if(CLOUDP2P_BUILD_TESTS)
  if(Doxygen_FOUND)
    add_test(NAME docs COMMAND "${DOXYGEN_EXECUTABLE}" "${CLOUDP2P_DOCS_DIR}/Doxyfile")
  else()
    add_test(NAME docs COMMAND sh -c "echo 'skipped: doxygen 1.9.4 or newer is not installed'; exit 77")
  endif()
  set_tests_properties(docs PROPERTIES LABELS full TIMEOUT 120 SKIP_RETURN_CODE 77)
endif()
