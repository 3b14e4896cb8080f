# The installed package: find_package(cloudp2p) gives cloudp2p::headers, cloudp2p::cloudp2p and cloudp2p::testing.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/cloudp2p")

# The programs join no export set: a consumer links our libraries, it does not run our programs from CMake.
if(TARGET cloud-p2p)
  set_target_properties(cloud-p2p PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS cloud-p2p RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
if(TARGET client)
  # Copied under its longer name, which install(TARGETS) can not give; so it finds a shared library from where it was built.
  set_target_properties(client PROPERTIES BUILD_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(PROGRAMS "$<TARGET_FILE:client>" DESTINATION "${CMAKE_INSTALL_BINDIR}" RENAME cloud-p2p-client)
endif()

if(TARGET manual)
  set(CLOUDP2P_ZSH_DIR "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE STRING "Where zsh looks for completions")
  mark_as_advanced(CLOUDP2P_ZSH_DIR)
  install(FILES "${manual_dir}/cloud-p2p.8" DESTINATION "${CMAKE_INSTALL_MANDIR}/man8")
  install(FILES "${manual_dir}/cloud-p2p.json.5" DESTINATION "${CMAKE_INSTALL_MANDIR}/man5")
  install(FILES "${manual_dir}/cloud-p2p-client.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  foreach(program IN ITEMS cloud-p2p cloud-p2p-client)
    install(FILES "${manual_dir}/${program}.bash" RENAME ${program}
      DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
    install(FILES "${manual_dir}/${program}.zsh" RENAME _${program} DESTINATION "${CLOUDP2P_ZSH_DIR}")
    install(FILES "${manual_dir}/${program}.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
  endforeach()
endif()

# What links without any dependency when the library is shared, and what never does.
set(static_targets cloudp2p_testing)
if(TARGET cloudp2p_static)
  list(APPEND static_targets cloudp2p_static)
endif()
install(TARGETS cloudp2p_headers cloudp2p EXPORT cloudp2pTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS ${static_targets} EXPORT cloudp2pStaticTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
# Also for a project that finds this build folder without an installation.
foreach(set IN ITEMS cloudp2pTargets cloudp2pStaticTargets)
  install(EXPORT ${set} NAMESPACE cloudp2p:: DESTINATION "${package_dir}")
  export(EXPORT ${set} NAMESPACE cloudp2p:: FILE "${PROJECT_BINARY_DIR}/${set}.cmake")
endforeach()

set(find_modules cmake/FindAsio.cmake cmake/FindSodium.cmake)
set(CLOUDP2P_DEPENDENCIES Threads Asio Sodium SQLite3 simdjson fmt)
set(CLOUDP2P_PC_REQUIRES libsodium sqlite3 simdjson fmt)
if(CLOUDP2P_BOTAN)
  list(APPEND find_modules cmake/FindBotan.cmake)
  list(APPEND CLOUDP2P_DEPENDENCIES Botan)
  # Its own .pc names what only a static Botan wants.
  set(CLOUDP2P_PC_BOTAN " -lbotan-2")
endif()
list(JOIN CLOUDP2P_DEPENDENCIES " " CLOUDP2P_DEPENDENCIES)
configure_package_config_file(cmake/cloudp2pConfig.cmake.in "${PROJECT_BINARY_DIR}/cloudp2pConfig.cmake"
  INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/cloudp2pConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/cloudp2pConfig.cmake"
  "${PROJECT_BINARY_DIR}/cloudp2pConfigVersion.cmake"
  ${find_modules}
  DESTINATION "${package_dir}")
foreach(module IN LISTS find_modules)
  file(COPY ${module} DESTINATION "${PROJECT_BINARY_DIR}")
endforeach()

# All that `cmake --install` copies, and nothing else: no tests, no benchmarks.
add_custom_target(installable)
add_dependencies(installable cloudp2p ${static_targets})
if(TARGET manual)
  add_dependencies(installable manual)
endif()

# For pkg-config. The paths are relative to the file, so that the prefix may move.
list(JOIN CLOUDP2P_PC_REQUIRES " " CLOUDP2P_PC_REQUIRES)
file(RELATIVE_PATH CLOUDP2P_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" CLOUDP2P_PC_PREFIX "${CLOUDP2P_PC_PREFIX}")
set(CLOUDP2P_PC_PRIVATE "")
if(BUILD_SHARED_LIBS)
  set(CLOUDP2P_PC_PRIVATE ".private")
endif()
configure_file(cmake/cloudp2p.pc.in "${PROJECT_BINARY_DIR}/cloudp2p.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/cloudp2p.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
