# Read by that release's build after its project(): what it takes to compile its files joined, in half the time.
# These give a name to something that another file of the same folder gives to something else.
foreach(file IN ITEMS src/core/client_search.cpp src/core/takeover.cpp src/host/files_sink.cpp src/store/journal_codec.cpp
    src/store/log_damage.cpp src/store/state_file.cpp apps/client/completion.cpp)
  set_source_files_properties("${PROJECT_SOURCE_DIR}/${file}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endforeach()
