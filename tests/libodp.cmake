# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
# Tests of libodp and its tools.
set(ODP_UAPI_INCLUDE ${CMAKE_CURRENT_SOURCE_DIR}/../kernel/include/uapi)

# One ctest entry: all tests of a program.
function(libodp_test name timeout)
	odp_test_program(libodp_${name})
	add_test(NAME libodp.${name} COMMAND test_libodp_${name})
	set_tests_properties(libodp.${name} PROPERTIES TIMEOUT ${timeout})
endfunction()

libodp_test(alone 60)
target_include_directories(test_libodp_alone PRIVATE ${ODP_UAPI_INCLUDE})
libodp_test(choice 60)

libodp_test(device 180)
libodp_test(prefetch 120)
libodp_test(misuse 120)
libodp_test(number 60)
target_link_libraries(test_libodp_number PRIVATE odptool)
libodp_test(tools 300)
set_tests_properties(libodp.tools PROPERTIES LABELS slow RESOURCE_LOCK device_memory)
target_link_libraries(test_libodp_tools PRIVATE odptool)
target_compile_definitions(test_libodp_tools PRIVATE
	ODPSTAT="$<TARGET_FILE:odpstat>" ODPMAP="$<TARGET_FILE:odpmap>")

# Under valgrind, too, which the sanitizers exclude. What libibverbs keeps of the
# devices until the end counts as possibly lost, not as definitely.
find_program(VALGRIND valgrind)
function(libodp_valgrind name pattern)
	if(NOT VALGRIND OR ODP_SANITIZE)
		return()
	endif()
	add_test(NAME libodp.${name}_valgrind
		COMMAND ${VALGRIND} -q --error-exitcode=9 --leak-check=full
			--show-leak-kinds=definite --errors-for-leak-kinds=definite
			$<TARGET_FILE:test_libodp_${name}> ${pattern})
	set_tests_properties(libodp.${name}_valgrind PROPERTIES TIMEOUT 300 LABELS slow)
endfunction()

libodp_valgrind(alone "*")
libodp_valgrind(choice "*")
libodp_valgrind(number "number*")
