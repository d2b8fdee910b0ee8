/* The alphabet of GSM 03.38 as tables: X(septet, Unicode). sms_text.c and sms_decode.c make theirs
 * from these. */
#ifndef SMS_GSM7_H
#define SMS_GSM7_H

/* Letters below U+0100. The septet 0x1B is the escape and no letter. */
#define SMS_GSM7_LOW(X)                                                                            \
    X(0x00, 0x40)                                                                                  \
    X(0x01, 0xA3) X(0x02, 0x24) X(0x03, 0xA5) X(0x04, 0xE8) X(0x05, 0xE9) X(0x06, 0xF9) X(0x07,    \
        0xEC) X(0x08, 0xF2) X(0x09, 0xC7) X(0x0A, 0x0A) X(0x0B, 0xD8) X(0x0C, 0xF8) X(0x0D, 0x0D)  \
        X(0x0E, 0xC5) X(0x0F, 0xE5) X(0x11, 0x5F) X(0x1C, 0xC6) X(0x1D, 0xE6) X(0x1E, 0xDF)        \
            X(0x1F, 0xC9) X(0x20, 0x20) X(0x21, 0x21) X(0x22, 0x22) X(0x23, 0x23) X(0x24, 0xA4) X( \
                0x25, 0x25) X(0x26, 0x26) X(0x27, 0x27) X(0x28, 0x28) X(0x29, 0x29) X(0x2A, 0x2A)  \
                X(0x2B, 0x2B) X(0x2C, 0x2C) X(0x2D, 0x2D) X(0x2E, 0x2E) X(0x2F, 0x2F)              \
                    X(0x30, 0x30) X(0x31, 0x31) X(0x32, 0x32) X(0x33, 0x33) X(0x34, 0x34)          \
                        X(0x35, 0x35) X(0x36, 0x36) X(0x37, 0x37) X(0x38, 0x38) X(0x39, 0x39)      \
                            X(0x3A, 0x3A) X(0x3B, 0x3B) X(0x3C, 0x3C) X(0x3D, 0x3D) X(0x3E, 0x3E)  \
                                X(0x3F, 0x3F) X(0x40, 0xA1) X(0x41, 0x41) X(0x42, 0x42)            \
                                    X(0x43, 0x43) X(0x44, 0x44) X(0x45, 0x45) X(0x46, 0x46)        \
                                        X(0x47, 0x47) X(0x48, 0x48) X(0x49, 0x49) X(0x4A, 0x4A) X( \
                                            0x4B, 0x4B) X(0x4C, 0x4C) X(0x4D, 0x4D) X(0x4E, 0x4E)  \
                                            X(0x4F, 0x4F) X(0x50, 0x50) X(0x51, 0x51)              \
                                                X(0x52, 0x52) X(0x53, 0x53) X(0x54, 0x54) X(       \
                                                    0x55, 0x55) X(0x56, 0x56) X(0x57, 0x57)        \
                                                    X(0x58, 0x58) X(0x59, 0x59) X(0x5A, 0x5A) X(   \
                                                        0x5B, 0xC4) X(0x5C, 0xD6) X(0x5D, 0xD1)    \
                                                        X(0x5E, 0xDC) X(0x5F, 0xA7)                \
                                                            X(0x60, 0xBF) X(0x61, 0x61) X(         \
                                                                0x62, 0x62) X(0x63, 0x63) X(0x64,  \
                                                                0x64) X(0x65, 0x65)                \
                                                                X(0x66, 0x66) X(0x67, 0x67) X(     \
                                                                    0x68, 0x68) X(0x69, 0x69)      \
                                                                    X(0x6A, 0x6A) X(0x6B, 0x6B) X( \
                                                                        0x6C, 0x6C) X(0x6D, 0x6D)  \
                                                                        X(0x6E, 0x6E) X(           \
                                                                            0x6F, 0x6F) X(0x70,    \
                                                                            0x70) X(0x71,          \
                                                                            0x71) X(0x72,          \
                                                                            0x72) X(0x73,          \
                                                                            0x73) X(0x74,          \
                                                                            0x74) X(0x75,          \
                                                                            0x75) X(0x76,          \
                                                                            0x76) X(0x77,          \
                                                                            0x77) X(0x78,          \
                                                                            0x78) X(0x79,          \
                                                                            0x79) X(0x7A, 0x7A)    \
                                                                            X(0x7B, 0xE4) X(       \
                                                                                0x7C, 0xF6)        \
                                                                                X(0x7D, 0xF1) X(   \
                                                                                    0x7E, 0xFC)    \
                                                                                    X(0x7F, 0xE0)

/* The rest: capitals of Greek. */
#define SMS_GSM7_GREEK(X)                                                                          \
    X(0x10, 0x394)                                                                                 \
    X(0x12, 0x3A6) X(0x13, 0x393) X(0x14, 0x39B) X(0x15, 0x3A9) X(0x16, 0x3A0) X(0x17, 0x3A8)      \
        X(0x18, 0x3A3) X(0x19, 0x398) X(0x1A, 0x39E)

/* Letters behind the escape: two septets each. */
#define SMS_GSM7_EXTENSION(X)                                                                      \
    X(0x0A, 0x0C)                                                                                  \
    X(0x14, 0x5E) X(0x28, 0x7B) X(0x29, 0x7D) X(0x2F, 0x5C) X(0x3C, 0x5B) X(0x3D, 0x7E)            \
        X(0x3E, 0x5D) X(0x40, 0x7C) X(0x65, 0x20AC)

enum { SMS_GSM7_ESCAPE = 0x1B };

#endif
