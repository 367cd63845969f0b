# cmake -DNM=... -DARCHIVE=libespalier_runtime.a -P check_symbols.cmake: fails unless every symbol the archive refers to
# is its own or one of the C library's below (so no LLVM and no C++), and every symbol it defines is ours.
cmake_minimum_required(VERSION 3.25)
set(c_library memcpy memset dlopen dlclose dlsym dlerror malloc free snprintf vsnprintf
  calloc sysconf sched_yield pthread_create pthread_join pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock
  pthread_mutex_unlock pthread_cond_init pthread_cond_destroy pthread_cond_wait pthread_cond_broadcast
  __snprintf_chk __vsnprintf_chk __stack_chk_fail _GLOBAL_OFFSET_TABLE_ getauxval)

execute_process(COMMAND ${NM} -g ${ARCHIVE} OUTPUT_VARIABLE listing RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${NM} cannot read ${ARCHIVE}")
endif()
string(REPLACE "\n" ";" lines "${listing}")
set(defined_count 0)
foreach(line ${lines})
  if(line MATCHES " U ([^ ]+)$")
    set(name ${CMAKE_MATCH_1})
    if(NOT name MATCHES "^espalier_" AND NOT name IN_LIST c_library)
      message(SEND_ERROR "${ARCHIVE} refers to ${name}, which is neither its own nor in the list of C functions")
    endif()
  elseif(line MATCHES " [A-TV-Z] ([^ ]+)$")
    math(EXPR defined_count "${defined_count} + 1")
    if(NOT CMAKE_MATCH_1 MATCHES "^espalier_")
      message(SEND_ERROR "${ARCHIVE} defines ${CMAKE_MATCH_1}, which does not begin with espalier_")
    endif()
  endif()
endforeach()
if(defined_count LESS 7)
  message(SEND_ERROR "${ARCHIVE} defines ${defined_count} functions, but runtime.h declares at least 7")
endif()
