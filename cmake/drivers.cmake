# Database drivers: src/drivers/NAME.c becomes the shared object modules/NAME.so, with what drivers share and no other
# library of ours but base.

pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PGSQL REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(MARIADB REQUIRED IMPORTED_TARGET libmariadb)
pkg_check_modules(LDAP REQUIRED IMPORTED_TARGET ldap lber)

function(merpati_add_driver NAME)
  add_library(driver-${NAME} MODULE ${CMAKE_SOURCE_DIR}/src/drivers/${NAME}.c ${ARGN})
  target_include_directories(driver-${NAME} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(driver-${NAME} PRIVATE base ${SYSTEM_LIBRARIES_driver_${NAME}})
  target_link_options(driver-${NAME} PRIVATE -Wl,--exclude-libs,ALL)
  set_target_properties(driver-${NAME} PROPERTIES PREFIX "" OUTPUT_NAME ${NAME} C_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/modules)
endfunction()

set(SYSTEM_LIBRARIES_driver_sqlite PkgConfig::SQLITE)
set(SYSTEM_LIBRARIES_driver_pgsql PkgConfig::PGSQL)
set(SYSTEM_LIBRARIES_driver_mysql PkgConfig::MARIADB)
set(SYSTEM_LIBRARIES_driver_ldap PkgConfig::LDAP)

set(SQL_PARTS ${CMAKE_SOURCE_DIR}/src/drivers/sql_query.c ${CMAKE_SOURCE_DIR}/src/drivers/host_port.c)
merpati_add_driver(sqlite ${CMAKE_SOURCE_DIR}/src/drivers/sql_query.c)
merpati_add_driver(pgsql ${SQL_PARTS})
merpati_add_driver(mysql ${SQL_PARTS})
merpati_add_driver(ldap ${CMAKE_SOURCE_DIR}/src/drivers/ldap_settings.c)
