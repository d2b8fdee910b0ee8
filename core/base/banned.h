/* Calls that no file of this project may use; the compiler refuses them.
 * Pulled in ahead of every file by the build (-include), so it must include only system headers. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BASE__BANNED(name) base_banned_##name##_see_core_base_banned_h

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#undef sscanf
#undef atoi
#undef atol
#undef system
#undef popen
#undef gmtime
#undef localtime
#undef ctime
#undef rand
#define strcpy(...) BASE__BANNED(strcpy)
#define strcat(...) BASE__BANNED(strcat)
#define strncpy(...) BASE__BANNED(strncpy)
#define strncat(...) BASE__BANNED(strncat)
#define sprintf(...) BASE__BANNED(sprintf)
#define vsprintf(...) BASE__BANNED(vsprintf)
#define strtok(...) BASE__BANNED(strtok)
#define sscanf(...) BASE__BANNED(sscanf)
#define atoi(...) BASE__BANNED(atoi)
#define atol(...) BASE__BANNED(atol)
#define system(...) BASE__BANNED(system)
#define popen(...) BASE__BANNED(popen)
#define gmtime(...) BASE__BANNED(gmtime)
#define localtime(...) BASE__BANNED(localtime)
#define ctime(...) BASE__BANNED(ctime)
#define rand(...) BASE__BANNED(rand)

#endif
