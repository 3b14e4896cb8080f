# The two programs, thin over the library like any user's.
# g++ 12 sees overlapping copies where short strings are inserted (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)
endif()
file(GLOB command_line_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/apps/command_line/*.cpp")
file(GLOB server_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/apps/cloud-p2p/*.cpp")
if(server_sources)
  find_package(CLI11 REQUIRED)
  find_package(spdlog REQUIRED)
  # The server under this name; the tests build another one, with a source file more.
  function(cloudp2p_server name)
    add_executable(${name} ${server_sources} ${command_line_sources} ${ARGN})
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/apps")
    target_compile_definitions(${name} PRIVATE CLOUDP2P_VERSION="${PROJECT_VERSION}" ASIO_NO_DEPRECATED)
    target_link_libraries(${name} PRIVATE
      cloudp2p::cloudp2p CLI11::CLI11 spdlog::spdlog fmt::fmt Asio::Asio Threads::Threads)
  endfunction()
  cloudp2p_server(cloud-p2p)
endif()

file(GLOB client_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/apps/client/*.cpp")
if(client_sources)
  find_package(CLI11 REQUIRED)
  find_package(LibEdit REQUIRED)
  add_executable(client ${client_sources} ${command_line_sources})
  target_include_directories(client PRIVATE "${PROJECT_SOURCE_DIR}/apps")
  target_compile_definitions(client PRIVATE CLOUDP2P_VERSION="${PROJECT_VERSION}" ASIO_NO_DEPRECATED)
  target_link_libraries(client PRIVATE
    cloudp2p::cloudp2p CLI11::CLI11 LibEdit::LibEdit fmt::fmt Asio::Asio Threads::Threads)
endif()

# Manual pages and completion scripts, told by the programs themselves: they run while they are built.
if(TARGET cloud-p2p AND TARGET client)
  set(manual_dir "${PROJECT_BINARY_DIR}/manual")
  function(cloudp2p_told file program)
    add_custom_command(OUTPUT "${manual_dir}/${file}"
      COMMAND "${CMAKE_COMMAND}" -D "OUTPUT=${manual_dir}/${file}" -P "${PROJECT_SOURCE_DIR}/cmake/tell.cmake"
        -- "$<TARGET_FILE:${program}>" ${ARGN}
      DEPENDS ${program} VERBATIM)
    set_property(GLOBAL APPEND PROPERTY cloudp2p_told "${manual_dir}/${file}")
  endfunction()
  cloudp2p_told(cloud-p2p.8 cloud-p2p --manual cloud-p2p.8)
  cloudp2p_told(cloud-p2p.json.5 cloud-p2p --manual cloud-p2p.json.5)
  cloudp2p_told(cloud-p2p-client.1 client --manual cloud-p2p-client.1)
  foreach(shell IN ITEMS bash zsh fish)
    cloudp2p_told(cloud-p2p.${shell} cloud-p2p --completion ${shell})
    cloudp2p_told(cloud-p2p-client.${shell} client completion ${shell})
  endforeach()
  get_property(told GLOBAL PROPERTY cloudp2p_told)
  add_custom_target(manual ALL DEPENDS ${told})
endif()
