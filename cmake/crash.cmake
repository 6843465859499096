# tests/crash: the queue manager, the journal's writer and spill in one program that cuts the power. What it makes up of
# lib/daemon, lib/run and lib/ipc stands in its own objects, which the linker meets first and which count.
file(GLOB CRASH_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/crash/*.c)
add_executable(crash-states ${CRASH_SOURCES})
target_include_directories(crash-states PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(crash-states PRIVATE program-qmgr program-spill program-postsuper ${ALL_LIBRARIES})
target_link_options(crash-states PRIVATE -Wl,--allow-multiple-definition)
set_target_properties(crash-states PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
# Under the sanitizers a disk takes ten times as long: a taste.
if(MERPATI_SANITIZE)
  set(CRASH_OPTIONS --taste)
endif()
add_test(NAME crash.states COMMAND crash-states ${CRASH_OPTIONS})
set_tests_properties(crash.states PROPERTIES TIMEOUT 1800 PROCESSORS 2)
