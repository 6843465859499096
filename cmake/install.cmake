# Where things are installed: the paths are those that the programs have compiled in (config/shared_settings.c).
set(MERPATI_LIB lib/merpati)

# All that is installed, without tests and benches: what a package has to build.
add_custom_target(programs)
get_property(ALL_TARGETS DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
foreach(PROGRAM ${ALL_TARGETS})
  if(PROGRAM MATCHES "^libexec-")
    install(TARGETS ${PROGRAM} RUNTIME DESTINATION ${MERPATI_LIB}/sbin)
  elseif(PROGRAM MATCHES "^bin-")
    install(TARGETS ${PROGRAM} RUNTIME DESTINATION sbin)
  elseif(PROGRAM MATCHES "^driver-")
    install(TARGETS ${PROGRAM} LIBRARY DESTINATION ${MERPATI_LIB})
  else()
    continue()
  endif()
  add_dependencies(programs ${PROGRAM})
endforeach()

function(merpati_install_link FOLDER NAME VALUE)
  install(CODE "
    file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${FOLDER}\")
    file(CREATE_LINK \"${VALUE}\" \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${FOLDER}/${NAME}\" SYMBOLIC)")
endfunction()
merpati_install_link(${MERPATI_LIB}/sbin lmtp smtp)
merpati_install_link(sbin postalias postmap)
merpati_install_link(sbin postfix merpati)
merpati_install_link(bin mailq ../sbin/sendmail)
merpati_install_link(bin newaliases ../sbin/sendmail)
merpati_install_link(lib sendmail ../sbin/sendmail)

# What new instances and upgrades begin with (meta_directory).
foreach(NAME main master)
  install(FILES conf/${NAME}.cf DESTINATION /etc/merpati RENAME ${NAME}.cf.proto)
endforeach()
