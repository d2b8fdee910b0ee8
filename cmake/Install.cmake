# What `cmake --install` puts where. Everything is found relative to the programs, so the prefix may be moved, and DESTDIR works.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(LANTOA_PLUGIN_INSTALL_DIR lib/lantoa/plugins)
set(share ${CMAKE_INSTALL_DATAROOTDIR}/lantoa)
set(package ${CMAKE_INSTALL_DATAROOTDIR}/cmake/lantoa)

install(TARGETS lantoa lantoa-channel RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${LANTOA_PLUGINS} LIBRARY DESTINATION ${LANTOA_PLUGIN_INSTALL_DIR})
install(DIRECTORY include/lantoa DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY config/rules config/schema config/channels config/examples config/plugin DESTINATION ${share})
install(FILES config/demo/campaign.json config/demo/theme.json config/demo/channel-outbox.json config/demo/channel-email.example.json
    config/demo/make.py DESTINATION ${share}/demo)
install(FILES README.md LICENSE CHANGELOG.md TYPE DOC)
install(DIRECTORY docs/ TYPE DOC FILES_MATCHING PATTERN "*.md")
foreach(plugin ${LANTOA_PLUGINS})
    string(REGEX REPLACE "^plugin_" "" name ${plugin})
    foreach(file README.md example.json)
        if(EXISTS ${PROJECT_SOURCE_DIR}/plugins/${name}/${file})
            install(FILES plugins/${name}/${file} DESTINATION ${CMAKE_INSTALL_DOCDIR}/plugins/${name})
        endif()
    endforeach()
endforeach()

# For find_package(lantoa) and pkg-config.
configure_package_config_file(cmake/lantoaConfig.cmake.in ${PROJECT_BINARY_DIR}/lantoaConfig.cmake INSTALL_DESTINATION ${package}
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR LANTOA_PLUGIN_INSTALL_DIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lantoaConfigVersion.cmake COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/lantoaConfig.cmake ${PROJECT_BINARY_DIR}/lantoaConfigVersion.cmake DESTINATION ${package})
file(RELATIVE_PATH LANTOA_PC_UP /${CMAKE_INSTALL_DATAROOTDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" LANTOA_PC_UP ${LANTOA_PC_UP})
configure_file(cmake/lantoa.pc.in ${PROJECT_BINARY_DIR}/lantoa.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lantoa.pc DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/pkgconfig)

# The manual pages come from what the programs say of themselves: the tables of commands, and of each plugin's options.
set(pages)
set(man ${PROJECT_BINARY_DIR}/man)
# lantoa_page(FILE LANGUAGE DEPENDS WORD...): FILE is what `lantoa WORD...` prints.
function(lantoa_page file lang depends)
    get_filename_component(folder ${file} DIRECTORY)
    add_custom_command(
        OUTPUT ${file}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
        COMMAND ${CMAKE_COMMAND} -E env LANTOA_LANG=${lang} ASAN_OPTIONS=detect_leaks=0 $<TARGET_FILE:lantoa> ${ARGN} > ${file}
        DEPENDS lantoa lantoa-channel ${depends}
        VERBATIM)
    set(pages ${pages} ${file} PARENT_SCOPE)
endfunction()
foreach(lang en vi)
    set(folder ${man})
    if(lang STREQUAL vi)
        set(folder ${man}/vi)
    endif()
    lantoa_page(${folder}/man1/lantoa.1 ${lang} "" help --man)
    foreach(plugin ${LANTOA_PLUGINS})
        string(REGEX REPLACE "^plugin_" "" name ${plugin})
        if(name STREQUAL "http") # has no options of its own: declarations bring them
            continue()
        endif()
        lantoa_page(${folder}/man7/lantoa-${name}.7 ${lang} ${plugin} channel describe ${name} --man)
    endforeach()
endforeach()
add_custom_target(man ALL DEPENDS ${pages})
install(DIRECTORY ${man}/ DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES config/man/lantoa-channel.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

configure_file(config/systemd/lantoa.service.in ${PROJECT_BINARY_DIR}/lantoa.service @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lantoa.service DESTINATION lib/systemd/system)
install(FILES config/systemd/lantoa.sysusers DESTINATION lib/sysusers.d RENAME lantoa.conf)
