# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
# The manual pages: their examples are compiled and run, and all are checked.
set(ODP_MAN_DIR ${CMAKE_CURRENT_SOURCE_DIR}/../man)

file(GLOB pages CONFIGURE_DEPENDS ${ODP_MAN_DIR}/*.3)
file(READ man_run.c man_run)
set(examples)
foreach(page ${pages})
	file(STRINGS ${page} stands_for_another REGEX "^\\.so ")
	if(stands_for_another)
		continue()
	endif()

	get_filename_component(name ${page} NAME)
	string(REPLACE "." "_" name ${name})
	string(FIND "${man_run}" "env_test(${name})" found)
	if(found EQUAL -1)
		message(FATAL_ERROR "tests/man_run.c runs no example of ${page}; add a test ${name}.")
	endif()
	set(example ${CMAKE_CURRENT_BINARY_DIR}/man_${name}.c)
	add_custom_command(OUTPUT ${example}
		COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/man_example.sh ${page} ${example}
		DEPENDS ${page} man_example.sh
		VERBATIM)
	list(APPEND examples ${example})
endforeach()

# Apart from the tests' own definitions, as a reader of the page would have it.
add_library(man_examples OBJECT ${examples})
target_link_libraries(man_examples PRIVATE odp)
add_executable(test_man_run man_run.c $<TARGET_OBJECTS:man_examples>)
target_link_libraries(test_man_run PRIVATE odptest odptool)
add_test(NAME docs.man_examples COMMAND test_man_run)
set_tests_properties(docs.man_examples PROPERTIES TIMEOUT 60)

add_test(NAME docs.man_lint
	COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/man_lint.sh ${ODP_MAN_DIR})
set_tests_properties(docs.man_lint PROPERTIES TIMEOUT 300 LABELS slow)
