"""Rosters as programs really write them, generated: each is small, and has broken an issuer."""

TURKISH = (  # saved by Excel on Windows in Turkish
    "name;email;course\r\nAyşe Yıldız;ayse@example.com;Kaynakçılık\r\nGülşen Doğan;gulsen@example.com;Kaynakçılık\r\n"
).encode("cp1254")
NAME_AND_LASTNAME = (
    b"name,lastname,email,company,country\nAda,Lovelace,ada@example.com,Analytical,UK\n"
    b"Grace,Hopper,grace@example.com,Navy,US\n"
)
SEPARATOR_LINE = b"\xef\xbb\xbfsep=;\r\nname;email;course\r\nAda Lovelace;ada@example.com;Welding\r\n"
GRADEBOOK = (  # exported by Canvas
    b"Student,ID,SIS User ID,SIS Login ID,Section,Essay (101),Final Score\n,,,,,Manual Posting,\n"
    b'    Points Possible,,,,,10,(read only)\n"Lovelace, Ada",501,a1,ada,S1,9,90\n"Student, Test",599,,x1y2,S1,,\n'
)
TEXT_ID = b'name,id,course\nAda Lovelace,="00123",Welding\n'
BAD_ADDRESSES = (
    b"name,email\nGood Person,good@example.com\nTaro Yamada,try..this..0511@docomo.example\n"
    b'Mail To,mailto:ada@example.com\nComma,"ada,lovelace@example.com"\nDot End,ada.@example.com\n'
    b"Under Score,ada@mail_host.example.com\nAmp & Co,ada@example..com\n"
)
