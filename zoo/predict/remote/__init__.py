"""Models of a zoo server: the same results as of local ones, computed elsewhere.

server_address(name)   what a caller names -> address of a server, and the model's name there
  Channel              HTTP: key, proxies, time, tries; answers within limits
    fault_of           what a server refuses -> the same typed error
  read_served          its list of models -> classes and colours
  RemoteModel          pictures are read here, sent, and their label maps become results here
"""
