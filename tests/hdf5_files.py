"""Two whole HDF5 files that h5py wrote, packed: of the older form (`libver="earliest"`) and of the newer (`"latest"`).

Each has the attributes `keras_version` and `model_config`: a convolution 3x3 with two filters on 8x8x3.
"""

import base64
import zlib

PACKED = {
    "older": (
        "eNrtlMFKw0AQhjdtD6HYUsGDegp7DiLtRbxJG61QsKgHoUhcY2qD203tpoVactc38RF8BB/Bx+gb6G6ykWRB6MGLOB8Lw8zu/DMJ"
        "w7x0O8e16m4VSUwTVVAD5flUoG3NV9woayj7rOxrKYtXkjuVLtRTfauc+m8qfnnuOHl9vQ7wv+k6R31pr5RvKvteKr7L5rD/S3U3"
        "1bzqc72BuqpeHW2Jbh78KeHu3J/yIGQivmMYSWbjuyez0F859xFGQa+W6I3DO5+6XsiGwT1aQ2+V0yvBuAAAsAYn7bOegdRi0feT"
        "oLW3X9gpK2WX2KOEc5eRsY8PLXzhP858FgWEYtvC6d4S8SXOHnAZp2QhNqRwB3r+KZvMop681vJvSeSNXD4iE/luwGaU2tZBclrX"
        "4mkmEOA4ti1dth2yebPzQ0uejA8DGqU9NYUn1jgTe5cHT0m1liwSx+Jk/+ujDjMDAAAAAAAAAAAA/D2+AFnMhLg="
    ),
    "newer": (
        "eNrtlsFKw0AQhiepYAltKaWCegp7DlLai3hQpEErFAp6LBLWmNrgdlO7aUFLHiAHn8ebj+DZx/ANdDfpaon0AcT52EDmn9mZJQT+"
        "TXvuWdXat0rlMmg+V8BuHrdW+mmabg967qUJL2ZjvVBjmWAA7DRg63eucgJQgho0VfI+mFHhLYKZCCMOe4YBddlOPUY2qQwmqPLs"
        "NUPplWOlVfMWk+g2YJ4f8VF4t7HDx1oHFb89vzYBQRAEQf49591BP3PM+o/PgvZeSeeg9e2eoB1VsiQ+o0J4nE4CcmSTq+BhHvA4"
        "pIw4NsltWepLoguE0hl9lJ4vw2Fx/wWfzuO+Shf239DYH3tiTKeqbsjnjDn2YbY617JUNwhJkjh2sW034ou2u+FIvtJHIYvzM7Vl"
        "JC8mXF4rRPiUTeuoIUkil/5e7zX8ZxAEQRAEQRAEQZC/xxdaPYqr"
    ),
}

#: The files by their form.
HDF5 = {form: zlib.decompress(base64.b64decode(text)) for form, text in PACKED.items()}
