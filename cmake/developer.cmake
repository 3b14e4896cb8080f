# What only a build of cloudp2p itself wants; a project that adds us as a subfolder keeps its own settings.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_EXTENSIONS OFF)

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CLOUDP2P_CCACHE ccache)
  mark_as_advanced(CLOUDP2P_CCACHE)
  if(CLOUDP2P_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CLOUDP2P_CCACHE})
  endif()
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow)
# g++ 12 takes the unused alternative of a moved std::variant or std::function for uninitialised.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-maybe-uninitialized)
  # Optimised further it also sees overlapping copies where short strings are inserted (its bug 105651), and writes behind the end
  # where a vector grows.
  add_compile_options("$<$<CONFIG:Release>:-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>")
endif()
# As distributions build. At -O3 a program that links the library is 15 % larger.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
# What is released reads what strangers send.
add_compile_options("$<$<CONFIG:Release>:-fstack-protector-strong;-D_FORTIFY_SOURCE=2>")
if(CLOUDP2P_WERROR)
  add_compile_options(-Werror)
endif()
