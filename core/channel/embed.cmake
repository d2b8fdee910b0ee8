# Turns a text file into a C array without NUL inside: cmake -DFROM=FILE -DTO=FILE -DNAME=array -P embed.cmake.
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${TO} "static const unsigned char ${NAME}[] = {${bytes}0};\n")
