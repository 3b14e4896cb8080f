# The two programs, thin over the library like any user's.
# g++ 12 sees overlapping copies where short strings are inserted (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)
endif()
file(GLOB server_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/apps/cloud-p2p/*.cpp")
if(server_sources)
  find_package(CLI11 REQUIRED)
  find_package(spdlog REQUIRED)
  # The server under this name; the tests build another one, with a source file more.
  function(cloudp2p_server name)
    add_executable(${name} ${server_sources} ${ARGN})
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
  add_executable(client ${client_sources})
  target_compile_definitions(client PRIVATE CLOUDP2P_VERSION="${PROJECT_VERSION}" ASIO_NO_DEPRECATED)
  target_link_libraries(client PRIVATE
    cloudp2p::cloudp2p CLI11::CLI11 LibEdit::LibEdit fmt::fmt Asio::Asio Threads::Threads)
endif()
