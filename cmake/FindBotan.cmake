# FindBotan: Botan 2, which comes without a CMake package.
# Defines the target Botan::Botan and Botan_FOUND, Botan_INCLUDE_DIR, Botan_LIBRARY.
find_path(Botan_INCLUDE_DIR NAMES botan/blake2b.h PATH_SUFFIXES botan-2)
find_library(Botan_LIBRARY NAMES botan-2)
mark_as_advanced(Botan_INCLUDE_DIR Botan_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Botan REQUIRED_VARS Botan_LIBRARY Botan_INCLUDE_DIR)

if(Botan_FOUND AND NOT TARGET Botan::Botan)
  add_library(Botan::Botan UNKNOWN IMPORTED)
  set_target_properties(Botan::Botan PROPERTIES
    IMPORTED_LOCATION "${Botan_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Botan_INCLUDE_DIR}")
endif()
