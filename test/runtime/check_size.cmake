# cmake -DSTRIP=... -DSIZE=... -DARCHIVE=libespalier_runtime.a -DWORK=scratch folder -P check_size.cmake: fails unless
# the stripped archive's code and data stay within what docs/performance.md promises.
cmake_minimum_required(VERSION 3.25)
set(most 12288)

set(stripped ${WORK}/stripped_runtime.a)
execute_process(COMMAND ${STRIP} --strip-unneeded -o ${stripped} ${ARCHIVE} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${SIZE} -t ${stripped} OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
if(NOT table MATCHES "([0-9]+)[ \t]+([0-9]+)[ \t]+([0-9]+)[ \t]+([0-9]+)[ \t]+[0-9a-f]+[ \t]+\\(TOTALS\\)")
  message(FATAL_ERROR "no total in the table of ${SIZE}:\n${table}")
endif()
set(bytes ${CMAKE_MATCH_4})
message(STATUS "${bytes} bytes of code and data")
if(bytes GREATER most OR bytes LESS 500)
  message(FATAL_ERROR "the runtime library has ${bytes} bytes of code and data, but 500 to ${most} are expected")
endif()
