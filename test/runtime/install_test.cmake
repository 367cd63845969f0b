# cmake -DBUILD=build folder -DCONSUMER=consumer -DWORK=scratch folder -P install_test.cmake: installs the runtime, moves
# what was installed (it must be relocatable), builds a program against it and runs that.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component runtime --prefix ${WORK}/first)
file(RENAME ${WORK}/first ${WORK}/moved)
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/moved -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_C_COMPILER=${COMPILER})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)

file(GLOB_RECURSE installed RELATIVE ${WORK}/moved ${WORK}/moved/*)
list(FILTER installed EXCLUDE REGEX "/espalier/|libespalier_runtime\\.a$")
if(installed)
  message(FATAL_ERROR "the component runtime also installs ${installed}")
endif()
