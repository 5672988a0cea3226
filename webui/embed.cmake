# Writes OUTPUT, a C++ source that holds every file of FOLDER, plain and compressed.
# cmake -DFOLDER=… -DOUTPUT=… -DWORK=… -DGZIP=… -P embed.cmake
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)
set(arrays "")
set(entries "")
set(number 0)
foreach(file ${files})
    # -n: neither name nor time, so that what is built is the same wherever and whenever it is.
    execute_process(COMMAND ${GZIP} -9 -n -c ${FOLDER}/${file} OUTPUT_FILE ${WORK}/asset.gz
                    COMMAND_ERROR_IS_FATAL ANY)
    file(SHA256 ${FOLDER}/${file} hash)
    foreach(form plain gzip)
        set(source ${FOLDER}/${file})
        if(form STREQUAL "gzip")
            set(source ${WORK}/asset.gz)
        endif()
        file(READ ${source} octets HEX)
        if(octets STREQUAL "")
            message(FATAL_ERROR "${FOLDER}/${file} is empty")
        endif()
        string(REGEX REPLACE "(..)" "0x\\1," octets "${octets}")
        string(APPEND arrays "constexpr unsigned char k${form}${number}[] = {${octets}};\n")
    endforeach()
    string(APPEND entries "    {\"${file}\", \"${hash}\", kplain${number}, kgzip${number}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(REMOVE ${WORK}/asset.gz)
file(WRITE ${OUTPUT} "// Made of webui/assets by webui/embed.cmake.
#include \"webui/assets.h\"

namespace webui {

namespace {

${arrays}
constexpr Asset kAssets[] = {
${entries}};

}  // namespace

std::span<const Asset> embeddedAssets() { return kAssets; }

}  // namespace webui
")
