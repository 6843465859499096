# Database drivers: src/drivers/NAME.c becomes the shared object modules/NAME.so, with what drivers share and no other
# library of ours but base.

pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PGSQL REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(MARIADB REQUIRED IMPORTED_TARGET libmariadb)
pkg_check_modules(LDAP REQUIRED IMPORTED_TARGET ldap lber)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)

set(DRIVERS sqlite pgsql mysql ldap redis)
# No drivers but whole table types, where their libraries are.
pkg_check_modules(NSL IMPORTED_TARGET libnsl)
find_library(GDBM_COMPAT_LIBRARY gdbm_compat)
foreach(TYPE nis dbm)
  list(APPEND TABLE_MODULES ${CMAKE_SOURCE_DIR}/src/drivers/${TYPE}.c)
endforeach()
if(NSL_FOUND)
  list(APPEND DRIVERS nis)
  set(SYSTEM_LIBRARIES_driver_nis PkgConfig::NSL)
endif()
if(GDBM_COMPAT_LIBRARY)
  list(APPEND DRIVERS dbm)
  set(SYSTEM_LIBRARIES_driver_dbm ${GDBM_COMPAT_LIBRARY})
endif()
set(SYSTEM_LIBRARIES_driver_sqlite PkgConfig::SQLITE)
set(SYSTEM_LIBRARIES_driver_pgsql PkgConfig::PGSQL)
set(SYSTEM_LIBRARIES_driver_mysql PkgConfig::MARIADB)
set(SYSTEM_LIBRARIES_driver_ldap PkgConfig::LDAP)
set(SYSTEM_LIBRARIES_driver_redis PkgConfig::HIREDIS PkgConfig::OPENSSL)

# What drivers share; a driver takes of it what it calls.
merpati_sources(${CMAKE_SOURCE_DIR}/src/drivers DRIVER_PARTS DRIVER_TESTS)
foreach(NAME ${DRIVERS})
  list(REMOVE_ITEM DRIVER_PARTS ${CMAKE_SOURCE_DIR}/src/drivers/${NAME}.c)
endforeach()
list(REMOVE_ITEM DRIVER_PARTS ${TABLE_MODULES})
add_library(driver_parts STATIC ${DRIVER_PARTS})
target_include_directories(driver_parts PUBLIC ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(driver_parts PUBLIC base)
merpati_unit_tests(drivers driver_parts ${DRIVER_TESTS})

foreach(NAME ${DRIVERS})
  add_library(driver-${NAME} MODULE ${CMAKE_SOURCE_DIR}/src/drivers/${NAME}.c)
  target_link_libraries(driver-${NAME} PRIVATE driver_parts base ${SYSTEM_LIBRARIES_driver_${NAME}})
  target_link_options(driver-${NAME} PRIVATE -Wl,--exclude-libs,ALL)
  set_target_properties(driver-${NAME} PROPERTIES PREFIX "" OUTPUT_NAME ${NAME} C_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/modules)
endforeach()

target_link_libraries(fuzz-database_template PRIVATE driver_parts)
target_link_libraries(fuzz-redis_reply PRIVATE driver_parts PkgConfig::HIREDIS)
