# find_package(epy): plugins as targets. `epy --cmakedir` is the folder to give as epy_DIR.
#
#   epy_add_plugin(NAME SCRIPT synth.py [OPTIONS --eager -I include ...])
#
# builds NAME.so in the current binary folder, and again when a file changes that it was made of: the
# script, modules beside it, headers. $<TARGET_PROPERTY:NAME,EPY_PLUGIN> is its path.
#
# epy::epy is the library of epy.h, for hosts that use it.
cmake_minimum_required(VERSION 3.20)

# Of the environment that this file is installed in: PREFIX/lib/python3.N/site-packages/epy/cmake.
find_program(EPY_COMMAND epy HINTS ${CMAKE_CURRENT_LIST_DIR}/../../../../../bin
    DOC "The epy that builds plugins")
if(NOT EPY_COMMAND)
    set(epy_FOUND FALSE)
    set(epy_NOT_FOUND_MESSAGE "no program epy in the environment of ${CMAKE_CURRENT_LIST_DIR}; set EPY_COMMAND")
    return()
endif()

if(NOT TARGET epy::epy)
    add_library(epy::epy SHARED IMPORTED)
    set_target_properties(epy::epy PROPERTIES
        IMPORTED_LOCATION ${CMAKE_CURRENT_LIST_DIR}/../libepy.so IMPORTED_SONAME libepy.so
        INTERFACE_INCLUDE_DIRECTORIES ${CMAKE_CURRENT_LIST_DIR}/../include)
endif()

function(epy_add_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "SCRIPT" "OPTIONS")
    if(NOT arg_SCRIPT OR arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "epy_add_plugin(${name} SCRIPT file.py [OPTIONS ...]): "
            "name a script; further arguments of `epy build` come after OPTIONS")
    endif()
    cmake_path(ABSOLUTE_PATH arg_SCRIPT BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set(plugin ${CMAKE_CURRENT_BINARY_DIR}/${name}.so)
    add_custom_command(OUTPUT ${plugin}
        COMMAND ${EPY_COMMAND} build ${arg_SCRIPT} -o ${plugin} --depfile ${plugin}.d ${arg_OPTIONS}
        WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
        DEPENDS ${arg_SCRIPT} DEPFILE ${plugin}.d
        COMMENT "Building the plugin ${name}.so" VERBATIM)
    add_custom_target(${name} ALL DEPENDS ${plugin})
    set_target_properties(${name} PROPERTIES EPY_PLUGIN ${plugin})
endfunction()
